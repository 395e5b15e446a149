//! Contract of [`OrderSearch`], [`OrderAddresses`] and [`OrderNotes`].

use super::{Fixture, an_event, fresh, kind_and_code, later};
use crate::build::{self, OrderBuilder, a_reply, usd};
use domain::{
    id::{NoteId, OrderId, ProductId, UserId},
    money::{Amount, Currency},
    order::{Filter, Note, Order, Sort, Status},
    text::{AddressLine, MessageText},
};
use kernel::{FailureKind, IdempotencyKey, IdempotencyOutcome};
use ports::{OrderAddresses, OrderNotes, OrderSearch, OrderStore, PlacementConditions, TransitionOutcome};

/// Generates one test per rule. The expression is a future of a `Fixture<impl OrderStore + OrderSearch + OrderAddresses + OrderNotes>`.
#[macro_export]
macro_rules! contract_order_administration {
    ($fixture:expr) => {
        $crate::each_rule! { order_administration, $fixture;
            lists_have_the_orders_that_match_every_condition
            order_is_found_by_its_number_and_only_in_its_owners_list
            pages_of_each_sort_are_complete_and_in_order
            cursor_of_another_sort_is_rejected
            changed_address_and_tracking_are_stored
            changed_address_is_stored_with_its_note
            address_of_another_version_is_not_changed
            notes_are_listed_newest_first_and_in_pages
            note_about_an_unknown_order_is_not_stored
            repeated_request_adds_one_note
        }
    };
}

fn a_key() -> IdempotencyKey {
    IdempotencyKey { scope: fresh().to_string(), key: fresh().to_string(), fingerprint: "first".to_owned() }
}

/// Stores the order in its first state.
async fn store(orders: &impl OrderStore, order: &OrderBuilder) -> OrderId {
    let (placed, event) = (order.placed(), an_event(order.order_placed()));
    orders.place(&placed, &a_key(), &a_reply("{}"), &event, &PlacementConditions::default()).await.expect("placed");
    placed.id
}

fn an_order(owner: UserId, cents: i64, second: i64) -> OrderBuilder {
    let order = build::order().id(OrderId(fresh())).owner(owner).at(later(second));
    order.line_of(ProductId(fresh()), 1, usd(cents))
}

async fn found(orders: &impl OrderSearch, filter: &Filter) -> Vec<OrderId> {
    let page = orders.search(filter, 100, None).await.expect("a page");
    page.items.iter().map(|order| order.id).collect()
}

pub async fn lists_have_the_orders_that_match_every_condition(
    fixture: &Fixture<impl OrderStore + OrderSearch + OrderNotes>,
) {
    let (owner, orders) = (UserId(fresh()), fixture.port());
    let first = store(orders, &an_order(owner, 1_000, 0)).await;
    let second = store(orders, &an_order(owner, 2_000, 10)).await;
    let third = store(orders, &an_order(owner, 3_000, 20)).await;
    store(orders, &an_order(UserId(fresh()), 2_000, 10)).await;
    let own = Filter { owner: Some(owner), ..Filter::default() };
    let dollars = Filter { currency: Currency::parse("USD").ok(), ..own.clone() };
    let amounts = |least: i64, most: i64| (Amount::try_from(least).ok(), Amount::try_from(most).ok());
    for (filter, expected) in [
        (own.clone(), vec![third, second, first]),
        (Filter { from: Some(later(10)), ..own.clone() }, vec![third, second]),
        (Filter { to: Some(later(10)), ..own.clone() }, vec![first]),
        (Filter { status: Some(Status::Shipped), ..own.clone() }, vec![]),
        (Filter { status: Some(Status::Pending), ..own.clone() }, vec![third, second, first]),
        (Filter { amounts: amounts(1_001, 3_000), ..dollars.clone() }, vec![third, second]),
        (Filter { amounts: amounts(2_000, 2_000), ..dollars }, vec![second]),
        (Filter { currency: Currency::parse("EUR").ok(), ..own }, vec![]),
    ] {
        assert_eq!(found(orders, &filter).await, expected, "{filter:?}");
    }
}

pub async fn order_is_found_by_its_number_and_only_in_its_owners_list(
    fixture: &Fixture<impl OrderStore + OrderSearch + OrderNotes>,
) {
    let (owner, orders) = (UserId(fresh()), fixture.port());
    let first = store(orders, &an_order(owner, 1_000, 0)).await;
    let second = store(orders, &an_order(owner, 1_000, 1)).await;
    for id in [first, second] {
        let by_number = Filter { number: Some(id.number()), ..Filter::default() };
        assert_eq!(found(orders, &by_number).await, [id]);
        assert_eq!(found(orders, &Filter { owner: Some(owner), ..by_number.clone() }).await, [id]);
        let foreign = Filter { owner: Some(UserId(fresh())), ..by_number };
        assert_eq!(found(orders, &foreign).await, []);
    }
    let unknown = Filter { number: Some(OrderId(fresh()).number()), ..Filter::default() };
    assert_eq!(found(orders, &unknown).await, []);
}

pub async fn pages_of_each_sort_are_complete_and_in_order(
    fixture: &Fixture<impl OrderStore + OrderSearch + OrderNotes>,
) {
    let (owner, orders) = (UserId(fresh()), fixture.port());
    let mut all = Vec::new();
    // Some have the same time and the same total.
    for n in 0..7 {
        let order = an_order(owner, 1_000 + n / 2, n / 3);
        store(orders, &order).await;
        all.push(order.placed());
    }
    for sort in Sort::ALL {
        let filter = Filter { owner: Some(owner), currency: Currency::parse("USD").ok(), sort, ..Filter::default() };
        let (mut listed, mut cursor) = (Vec::new(), None);
        loop {
            let page = orders.search(&filter, 2, cursor.as_deref()).await.expect("a page");
            listed.extend(page.items.iter().map(|order| (sort.key(order), order.id)));
            cursor = page.next;
            if cursor.is_none() {
                break;
            }
        }
        let mut expected: Vec<_> = all.iter().map(|order| (sort.key(order), order.id)).collect();
        expected.sort();
        if sort.is_descending() {
            expected.reverse();
        }
        assert_eq!(listed, expected, "{sort:?}");
    }
}

pub async fn cursor_of_another_sort_is_rejected(fixture: &Fixture<impl OrderStore + OrderSearch + OrderNotes>) {
    let (owner, orders) = (UserId(fresh()), fixture.port());
    store(orders, &an_order(owner, 1_000, 0)).await;
    store(orders, &an_order(owner, 1_000, 1)).await;
    let newest = Filter { owner: Some(owner), ..Filter::default() };
    let cursor = orders.search(&newest, 1, None).await.expect("a page").next.expect("a second page");
    let oldest = Filter { sort: Sort::Oldest, ..newest.clone() };
    for (filter, cursor) in [(oldest, cursor.as_str()), (newest.clone(), "nonsense"), (newest, "")] {
        let refused = orders.search(&filter, 1, Some(cursor)).await;
        assert_eq!(kind_and_code(refused), (FailureKind::Invalid, "validation"), "{cursor:?}");
    }
}

pub async fn changed_address_and_tracking_are_stored(fixture: &Fixture<impl OrderStore + OrderSearch + OrderNotes>) {
    let orders = fixture.port();
    let id = store(orders, &an_order(UserId(fresh()), 1_000, 0)).await;
    let mut order = orders.get(id, None).await.expect("the store responds").expect("an order");
    order.shipping_address.line1 = AddressLine::parse("2 Quay “Ü”").expect("a line");
    let tracking = serde_json::json!({ "carrier": "DHL", "number": "00340434-1" });
    order.tracking = serde_json::from_value(tracking).expect("tracking");
    order.version += 1;
    orders.advance(None, &order, None).await.expect("advanced");
    assert_eq!(orders.get(id, None).await, Ok(Some(order)));
}

/// The order as stored, and with another address.
async fn with_another_address(orders: &impl OrderStore) -> (Order, Order) {
    let id = store(orders, &an_order(UserId(fresh()), 1_000, 0)).await;
    let order = orders.get(id, None).await.expect("the store responds").expect("an order");
    let mut changed = Order { version: order.version + 1, updated_at: later(60), ..order.clone() };
    changed.shipping_address.line1 = AddressLine::parse("2 Quay “Ü”").expect("a line");
    (order, changed)
}

pub async fn changed_address_is_stored_with_its_note(fixture: &Fixture<impl OrderStore + OrderAddresses + OrderNotes>) {
    let orders = fixture.port();
    let (order, changed) = with_another_address(orders).await;
    assert_eq!(orders.change_address(&changed, None).await, Ok(TransitionOutcome::Applied));
    assert_eq!(orders.get(order.id, None).await, Ok(Some(changed.clone())));
    let note = a_note(order.id, 61);
    let again = Order { shipping_address: order.shipping_address, version: changed.version + 1, ..changed };
    assert_eq!(orders.change_address(&again, Some(&note)).await, Ok(TransitionOutcome::Applied));
    assert_eq!(orders.get(order.id, None).await, Ok(Some(again)));
    let notes = orders.notes(order.id, 10, None).await.expect("a page").expect("an order");
    assert_eq!(notes.items, [note]);
}

pub async fn address_of_another_version_is_not_changed(
    fixture: &Fixture<impl OrderStore + OrderAddresses + OrderNotes>,
) {
    let orders = fixture.port();
    let (order, changed) = with_another_address(orders).await;
    let second = Order { version: changed.version + 1, ..changed };
    let outcome = orders.change_address(&second, Some(&a_note(order.id, 60))).await;
    assert_eq!(outcome, Ok(TransitionOutcome::VersionConflict));
    let notes = orders.notes(order.id, 10, None).await.expect("a page").expect("an order");
    assert_eq!(notes.items, []);
    assert_eq!(orders.get(order.id, None).await, Ok(Some(order)));
}

fn a_note(order_id: OrderId, second: i64) -> Note {
    let text = MessageText::parse("Gift wrap, “please”\n\u{1F381}").expect("a text");
    Note { id: NoteId(fresh()), order_id, author: UserId(fresh()), text, created_at: later(second) }
}

pub async fn notes_are_listed_newest_first_and_in_pages(fixture: &Fixture<impl OrderStore + OrderSearch + OrderNotes>) {
    let orders = fixture.port();
    let order = store(orders, &an_order(UserId(fresh()), 1_000, 0)).await;
    assert_eq!(orders.notes(order, 10, None).await, Ok(Some(ports::Page { items: vec![], next: None })));
    let notes: Vec<_> = (0..3).map(|second| a_note(order, second)).collect();
    for note in &notes {
        let added = orders.add_note(note, None, &a_reply("{}")).await;
        assert_eq!(added, Ok(Some(IdempotencyOutcome::Committed)));
    }
    let first = orders.notes(order, 2, None).await.expect("a page").expect("an order");
    assert_eq!(first.items, [notes[2].clone(), notes[1].clone()]);
    let cursor = first.next.expect("a second page");
    let second = orders.notes(order, 2, Some(&cursor)).await.expect("a page").expect("an order");
    assert_eq!((second.items, second.next), (vec![notes[0].clone()], None));
}

pub async fn note_about_an_unknown_order_is_not_stored(fixture: &Fixture<impl OrderStore + OrderSearch + OrderNotes>) {
    let (orders, note, key) = (fixture.port(), a_note(OrderId(fresh()), 0), a_key());
    assert_eq!(orders.add_note(&note, Some(&key), &a_reply("{}")).await, Ok(None));
    assert_eq!(orders.notes(note.order_id, 1, None).await, Ok(None));
}

pub async fn repeated_request_adds_one_note(fixture: &Fixture<impl OrderStore + OrderSearch + OrderNotes>) {
    let orders = fixture.port();
    let order = store(orders, &an_order(UserId(fresh()), 1_000, 0)).await;
    let (key, first) = (a_key(), a_reply("the first"));
    let added = orders.add_note(&a_note(order, 0), Some(&key), &first).await;
    assert_eq!(added, Ok(Some(IdempotencyOutcome::Committed)));
    let again = orders.add_note(&a_note(order, 1), Some(&key), &a_reply("another")).await;
    assert_eq!(again, Ok(Some(IdempotencyOutcome::Replayed(first))));
    let other = IdempotencyKey { fingerprint: "other".to_owned(), ..key };
    let refused = orders.add_note(&a_note(order, 2), Some(&other), &a_reply("{}")).await;
    assert_eq!(kind_and_code(refused), (FailureKind::Invalid, "idempotency-key-reused"));
    let page = orders.notes(order, 10, None).await.expect("a page").expect("an order");
    assert_eq!(page.items.len(), 1);
}
