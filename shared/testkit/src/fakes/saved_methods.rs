//! In-memory fakes of saved payment methods, and of the customers and methods at the gateway.

use super::{Dependency, Gateway, Payments};
use domain::{
    id::{PaymentMethodId, UserId},
    saved_method::{self, Card, MAX_SAVED_METHODS, SavedMethod},
    text::PaymentMethod,
};
use kernel::{Failure, IdempotencyKey, IdempotencyOutcome, StoredReply};
use ports::{AttachedMethod, MethodOwner};
use std::collections::{BTreeMap, HashMap};

#[derive(Default)]
pub(super) struct SavedMethodsState {
    /// The customer of each user; `None` for a deleted one whose customer is removed.
    customers: HashMap<UserId, Customer>,
    methods: Vec<SavedMethod>,
}

#[derive(Default, Clone)]
struct Customer {
    name: Option<String>,
    is_deleted: bool,
}

impl SavedMethodsState {
    fn customer(&self, user: UserId) -> Result<Option<String>, Failure> {
        match self.customers.get(&user) {
            Some(customer) if customer.is_deleted => Err(Failure::not_found("user")),
            customer => Ok(customer.and_then(|customer| customer.name.clone())),
        }
    }

    /// Whether the account of the user is deleted.
    pub fn is_deleted(&self, user: UserId) -> bool {
        self.customers.get(&user).is_some_and(|customer| customer.is_deleted)
    }

    /// The customer that the method is saved for, if it is saved by `user`.
    pub fn customer_of(&self, user: UserId, token: &PaymentMethod) -> Option<String> {
        let is_it = |method: &&SavedMethod| method.user_id == user && method.token == *token;
        self.methods.iter().find(is_it).and_then(|_| self.customers.get(&user)?.name.clone())
    }

    fn save(&mut self, method: &SavedMethod) -> Result<SavedMethod, Failure> {
        let of_user = |saved: &&SavedMethod| saved.user_id == method.user_id;
        let is_first = !self.methods.iter().any(|saved| of_user(&saved) && saved.is_default);
        let is_full = self.methods.iter().filter(of_user).count() >= MAX_SAVED_METHODS;
        match self.methods.iter_mut().find(|saved| saved.token == method.token) {
            Some(known) if of_user(&&*known) => {
                known.is_default |= is_first;
                Ok(known.clone())
            }
            _ if is_full => Err(saved_method::too_many()),
            Some(_) => Err(Failure::field("/payment_method", "cannot be saved")),
            None => {
                let saved = SavedMethod { is_default: is_first, ..method.clone() };
                self.methods.push(saved.clone());
                Ok(saved)
            }
        }
    }
}

/// A customer at the gateway with the tokens of its methods.
#[derive(Default)]
pub(super) struct VaultState {
    customers: BTreeMap<String, (UserId, Vec<PaymentMethod>)>,
    /// The result of each request to attach.
    attached: HashMap<String, AttachedMethod>,
    detached: Vec<PaymentMethod>,
}

impl VaultState {
    fn owner(&self, token: &PaymentMethod) -> Option<&String> {
        self.customers.iter().find(|(_, (_, tokens))| tokens.contains(token)).map(|(name, _)| name)
    }

    /// Whether a charge of the method for this customer is rejected.
    pub fn rejects(&self, token: &PaymentMethod, customer: Option<&str>) -> bool {
        self.detached.contains(token) || self.owner(token).map(String::as_str) != customer
    }

    fn attach(&mut self, method: &PaymentMethod, customer: &str, request: &str) -> Result<AttachedMethod, Failure> {
        let invalid = |detail: &str| Err(Failure::field("/payment_method", detail.to_owned()));
        if let Some(first) = self.attached.get(request) {
            return Ok(first.clone());
        }
        if !self.customers.contains_key(customer) || self.detached.contains(method) {
            return invalid("cannot be saved");
        }
        match self.owner(method) {
            Some(owner) if owner != customer => return invalid("cannot be saved"),
            _ => {}
        }
        // A test card gets a token of its own each time.
        let token = match method.as_str().strip_prefix("pm_card_") {
            Some("chargeDeclined" | "visa_chargeDeclined") => return invalid("cannot be saved"),
            Some(_) => {
                PaymentMethod::parse(&format!("pm_saved_{:06}", self.attached.len() + 1)).map_err(Failure::internal)?
            }
            None => method.clone(),
        };
        let card = Card { brand: "visa".to_owned(), last4: "4242".to_owned(), exp_month: 12, exp_year: 2030 };
        let attached = AttachedMethod { token: token.clone(), card };
        self.attached.insert(request.to_owned(), attached.clone());
        if let Some((_, tokens)) = self.customers.get_mut(customer)
            && !tokens.contains(&token)
        {
            tokens.push(token);
        }
        Ok(attached)
    }
}

impl Gateway {
    /// The user of each customer, with the methods that are attached.
    pub fn customers(&self) -> BTreeMap<String, (UserId, Vec<PaymentMethod>)> {
        self.0.inspect(|state| state.vault.customers.clone())
    }
}

impl ports::MethodVault for Gateway {
    async fn create_customer(&self, user: UserId) -> Result<String, Failure> {
        let step = self.0.step(Dependency::Gateway, "gateway.create_customer", |state| {
            let name = format!("cus_{}", user.0.simple());
            state.vault.customers.entry(name.clone()).or_insert((user, vec![]));
            Ok(name)
        });
        step.await
    }

    async fn attach(&self, method: &PaymentMethod, customer: &str, request: &str) -> Result<AttachedMethod, Failure> {
        let attach = |state: &mut super::State| state.vault.attach(method, customer, request);
        self.0.step(Dependency::Gateway, "gateway.attach", attach).await
    }

    async fn detach(&self, method: &PaymentMethod) -> Result<(), Failure> {
        let step = self.0.step(Dependency::Gateway, "gateway.detach", |state| {
            let vault = &mut state.vault;
            vault.customers.values_mut().for_each(|(_, tokens)| tokens.retain(|token| token != method));
            vault.detached.push(method.clone());
            Ok(())
        });
        step.await
    }

    async fn delete_customer(&self, customer: &str) -> Result<(), Failure> {
        let step = self.0.step(Dependency::Gateway, "gateway.delete_customer", |state| {
            let (_, tokens) = state.vault.customers.remove(customer).unwrap_or((UserId(kernel::Uuid::nil()), vec![]));
            state.vault.detached.extend(tokens);
            Ok(())
        });
        step.await
    }
}

impl ports::SavedMethodStore for Payments {
    async fn find_method_response(&self, key: &IdempotencyKey) -> Result<Option<IdempotencyOutcome>, Failure> {
        self.0.query(Dependency::Database, |state| state.payments.keys.find(key)).await
    }

    async fn customer(&self, user: UserId) -> Result<Option<String>, Failure> {
        self.0.query(Dependency::Database, |state| state.payments.saved.customer(user)).await
    }

    async fn save_customer(&self, user: UserId, customer: &str) -> Result<String, Failure> {
        let commit = self.0.commit("methods.save_customer", |state| {
            let saved = &mut state.payments.saved;
            if let Some(known) = saved.customer(user)? {
                return Ok(known);
            }
            saved.customers.insert(user, Customer { name: Some(customer.to_owned()), is_deleted: false });
            Ok(customer.to_owned())
        });
        commit.await
    }

    async fn save_method(
        &self,
        method: &SavedMethod,
        response: Option<(&IdempotencyKey, &StoredReply)>,
    ) -> Result<(SavedMethod, IdempotencyOutcome), Failure> {
        let commit = self.0.commit("methods.save", |state| {
            if let Some((key, _)) = response
                && let Some(settled) = state.payments.keys.find(key)?
            {
                return Ok((method.clone(), settled));
            }
            state.payments.saved.customer(method.user_id)?.ok_or_else(|| Failure::not_found("user"))?;
            let saved = state.payments.saved.save(method)?;
            if let Some((key, reply)) = response {
                let body = reply.body.replace(&method.id.to_string(), &saved.id.to_string());
                state.payments.keys.record(key, Some(&StoredReply { body, ..reply.clone() }));
            }
            Ok((saved, IdempotencyOutcome::Committed))
        });
        commit.await
    }

    async fn methods(&self, user: UserId) -> Result<Vec<SavedMethod>, Failure> {
        let query = self.0.query(Dependency::Database, |state| {
            let all = state.payments.saved.methods.iter();
            let mut found: Vec<SavedMethod> = all.filter(|method| method.user_id == user).cloned().collect();
            found.sort_by_key(|method| (method.created_at, method.id));
            Ok(found)
        });
        query.await
    }

    async fn method(&self, user: UserId, id: PaymentMethodId) -> Result<Option<SavedMethod>, Failure> {
        let query = self.0.query(Dependency::Database, |state| {
            let is_it = |method: &&SavedMethod| (method.user_id, method.id) == (user, id);
            Ok(state.payments.saved.methods.iter().find(is_it).cloned())
        });
        query.await
    }

    async fn owner(&self, token: &PaymentMethod) -> Result<MethodOwner, Failure> {
        let query = self.0.query(Dependency::Database, |state| {
            let saved = &state.payments.saved;
            let found = saved.methods.iter().find(|method| method.token == *token);
            let owner = found.and_then(|method| Some((method.user_id, saved.customer_of(method.user_id, token)?)));
            Ok(owner.map_or(MethodOwner::Nobody, |(user, customer)| MethodOwner::User { user, customer }))
        });
        query.await
    }

    async fn make_default(&self, user: UserId, id: PaymentMethodId) -> Result<Option<SavedMethod>, Failure> {
        let commit = self.0.commit("methods.make_default", |state| {
            let methods = &mut state.payments.saved.methods;
            if !methods.iter().any(|method| (method.user_id, method.id) == (user, id)) {
                return Ok(None);
            }
            let of_user = methods.iter_mut().filter(|method| method.user_id == user);
            of_user.for_each(|method| method.is_default = method.id == id);
            Ok(methods.iter().find(|method| method.id == id).cloned())
        });
        commit.await
    }

    async fn remove_method(&self, user: UserId, id: PaymentMethodId) -> Result<(), Failure> {
        let commit = self.0.commit("methods.remove", |state| {
            state.payments.saved.methods.retain(|method| (method.user_id, method.id) != (user, id));
            Ok(())
        });
        commit.await
    }

    async fn forget_methods(&self, user: UserId) -> Result<Option<String>, Failure> {
        let commit = self.0.commit("methods.forget", |state| {
            state.payments.forget_reasons(user);
            let saved = &mut state.payments.saved;
            saved.methods.retain(|method| method.user_id != user);
            let customer = saved.customers.entry(user).or_default();
            customer.is_deleted = true;
            Ok(customer.name.clone())
        });
        commit.await
    }

    async fn forget_customer(&self, user: UserId) -> Result<(), Failure> {
        let commit = self.0.commit("methods.forget_customer", |state| {
            state.payments.saved.customers.insert(user, Customer { name: None, is_deleted: true });
            Ok(())
        });
        commit.await
    }
}
