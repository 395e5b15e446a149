"""Customers and saved payment methods follow Stripe's documentation. `scripts/test local` runs these tests."""

from testing_gateway import DECLINED, VISA, Json, SharedGatewayTest


class SavedMethodTest(SharedGatewayTest):
    async def customer(self) -> str:
        status, created, _ = await self.post("/v1/customers", **{"metadata[user_id]": "u-1"})
        self.assertEqual((status, created["metadata"]), (200, {"user_id": "u-1"}))
        return str(created["id"])

    async def attach(self, method: str, customer: str) -> tuple[int, Json]:
        status, body, _ = await self.post(f"/v1/payment_methods/{method}/attach", customer=customer)
        return status, body

    async def saved(self, customer: str) -> str:
        status, method = await self.attach(VISA, customer)
        self.assertEqual((status, method["customer"], method["card"]["last4"]), (200, customer, "4242"))
        return str(method["id"])

    async def charge(self, method: str, **more: str) -> tuple[int, Json]:
        intent: Json = {"amount": 1999, "currency": "usd", "payment_method": method, "confirm": "true", **more}
        status, body, _ = await self.post("/v1/payment_intents", None, **intent)
        return status, body

    async def test_saved_method_is_charged_repeatedly_for_its_customer_only(self) -> None:
        customer, other = await self.customer(), await self.customer()
        method = await self.saved(customer)
        for _ in range(2):
            status, intent = await self.charge(method, customer=customer)
            self.assertEqual((status, intent["status"]), (200, "succeeded"))
        for wrong in ({}, {"customer": other}):
            status, body = await self.charge(method, **wrong)
            self.assertEqual((status, body["error"]["type"]), (400, "invalid_request_error"))

    async def test_method_is_attached_once(self) -> None:
        customer, other = await self.customer(), await self.customer()
        method = await self.saved(customer)
        for one in (customer, other):
            status, body = await self.attach(method, one)
            self.assertEqual((status, body["error"]["type"]), (400, "invalid_request_error"))
        status, known = await self.get(f"/v1/payment_methods/{method}")
        self.assertEqual((status, known["customer"]), (200, customer))

    async def test_declined_and_unknown_methods_are_not_attached(self) -> None:
        customer = await self.customer()
        self.assertEqual((await self.attach(DECLINED, customer))[0], 402)
        self.assertEqual((await self.attach("pm_unknown", customer))[0], 404)

    async def test_detached_method_is_of_no_use(self) -> None:
        customer = await self.customer()
        method = await self.saved(customer)
        self.assertEqual((await self.post(f"/v1/payment_methods/{method}/detach"))[0], 200)
        self.assertEqual((await self.post(f"/v1/payment_methods/{method}/detach"))[0], 400)
        self.assertEqual((await self.attach(method, customer))[0], 400)
        for given in ({}, {"customer": customer}):
            self.assertEqual((await self.charge(method, **given))[0], 400)

    async def test_deleted_customer_has_no_methods(self) -> None:
        customer = await self.customer()
        method = await self.saved(customer)
        status, deleted, _ = await self.call("DELETE", f"/v1/customers/{customer}")
        self.assertEqual((status, deleted["deleted"]), (200, True))
        self.assertEqual((await self.charge(method))[0], 400)
        self.assertEqual((await self.call("DELETE", f"/v1/customers/{customer}"))[0], 404)
