//! Contract of [`ProductStore`] and [`ProductChanges`].

use super::{Fixture, fresh, kind_and_code, now};
use crate::build::{self, ProductBuilder, a_reply};
use domain::{
    event::StockLevel,
    id::ProductId,
    product::{self, Product},
};
use futures_util::future::join_all;
use kernel::{Failure, FailureKind, IdempotencyKey, IdempotencyOutcome, StoredReply, seconds_after};
use ports::{ProductChanges, ProductStore, SweepPosition};

/// Generates one test per rule of [`ProductStore`]. The expression is a future of a `Fixture<impl ProductStore>`.
#[macro_export]
macro_rules! contract_products {
    ($fixture:expr) => {
        $crate::each_rule! { products, $fixture;
            created_product_is_stored_unchanged
            products_are_found_by_id
            product_is_found_by_its_sku_even_when_it_is_withdrawn
            replayed_key_returns_the_first_response_and_no_second_product
            key_reused_with_another_body_is_rejected_and_writes_nothing
            taken_sku_is_a_conflict_on_its_field_and_frees_the_key
            stored_rejection_is_replayed
            concurrent_requests_with_one_key_create_one_product
            concurrent_products_with_one_sku_succeed_once
            newer_stock_level_replaces_an_older_one_and_never_vice_versa
            stock_level_of_an_unknown_product_is_ignored
            concurrent_stock_levels_leave_the_newest
            replaced_product_keeps_its_stock_figure
            product_is_replaced_from_one_version_only
            concurrent_changes_of_one_version_succeed_once
            sku_of_a_withdrawn_product_stays_taken
            change_under_a_key_is_made_once
            products_are_paged_by_the_hour_of_their_last_change
        }
    };
}

fn a_product() -> ProductBuilder {
    build::product().id(ProductId(fresh())).at(now())
}

fn a_key() -> IdempotencyKey {
    IdempotencyKey { scope: fresh().to_string(), key: fresh().to_string(), fingerprint: "first".to_owned() }
}

async fn create(products: &impl ProductStore, product: &Product) -> Result<IdempotencyOutcome, Failure> {
    products.create(product, &a_key(), &a_reply("{}")).await
}

async fn find(products: &impl ProductStore, id: ProductId) -> Option<Product> {
    products.get(id).await.expect("the store responds")
}

pub async fn created_product_is_stored_unchanged(fixture: &Fixture<impl ProductStore>) {
    let product = a_product().name("Lamp “Ü” \\ 照明").created();
    assert_eq!(create(fixture.port(), &product).await, Ok(IdempotencyOutcome::Committed));
    assert_eq!(find(fixture.port(), product.id).await, Some(product));
    assert_eq!(find(fixture.port(), ProductId(fresh())).await, None);
}

pub async fn products_are_found_by_id(fixture: &Fixture<impl ProductStore>) {
    let products: Vec<Product> = (0..domain::order::MAX_LINES).map(|_| a_product().created()).collect();
    for product in &products[..3] {
        create(fixture.port(), product).await.expect("created");
    }
    // The last ids belong to no product, and the first is given twice.
    let mut wanted: Vec<ProductId> = products.iter().rev().map(|product| product.id).collect();
    wanted[0] = products[0].id;
    let mut found = fixture.port().find(&wanted).await.expect("the store responds");
    found.sort_by_key(|product| products.iter().position(|one| one.id == product.id));
    assert_eq!(found, products[..3]);
    assert_eq!(fixture.port().find(&[]).await, Ok(vec![]));
}

pub async fn replayed_key_returns_the_first_response_and_no_second_product(fixture: &Fixture<impl ProductStore>) {
    let (product, key, reply) = (a_product().created(), a_key(), a_reply("{ \"b\": \"\\u00fc ü\",\t\"a\":1.0 }"));
    assert_eq!(fixture.port().create(&product, &key, &reply).await, Ok(IdempotencyOutcome::Committed));
    let again = Product { id: ProductId(fresh()), ..product };
    let response = fixture.port().create(&again, &key, &a_reply("another response")).await;
    assert_eq!(response, Ok(IdempotencyOutcome::Replayed(reply)));
    assert_eq!(find(fixture.port(), again.id).await, None);
}

pub async fn key_reused_with_another_body_is_rejected_and_writes_nothing(fixture: &Fixture<impl ProductStore>) {
    let key = a_key();
    let created = fixture.port().create(&a_product().created(), &key, &a_reply("{}")).await;
    assert_eq!(created, Ok(IdempotencyOutcome::Committed));
    let other = a_product().created();
    let key = IdempotencyKey { fingerprint: "other".to_owned(), ..key };
    let rejected = fixture.port().create(&other, &key, &a_reply("{}")).await;
    assert_eq!(kind_and_code(rejected), (FailureKind::Invalid, "idempotency-key-reused"));
    assert_eq!(find(fixture.port(), other.id).await, None);
    assert_eq!(create(fixture.port(), &other).await, Ok(IdempotencyOutcome::Committed), "its SKU is still free");
}

pub async fn taken_sku_is_a_conflict_on_its_field_and_frees_the_key(fixture: &Fixture<impl ProductStore>) {
    let (first, key) = (a_product().created(), a_key());
    create(fixture.port(), &first).await.expect("created");
    let second = Product { id: ProductId(fresh()), ..first };
    let rejected = fixture.port().create(&second, &key, &a_reply("{}")).await;
    let pointer = rejected.as_ref().expect_err("taken").fields.first().map(|field| field.pointer.clone());
    assert_eq!(pointer.as_deref(), Some("/sku"));
    assert_eq!(kind_and_code(rejected), (FailureKind::Conflict, "sku-taken"));
    assert_eq!(find(fixture.port(), second.id).await, None);
    let third = a_product().created();
    assert_eq!(fixture.port().create(&third, &key, &a_reply("{}")).await, Ok(IdempotencyOutcome::Committed));
}

pub async fn stored_rejection_is_replayed(fixture: &Fixture<impl ProductStore>) {
    let (product, key) = (a_product().created(), a_key());
    let rejection = StoredReply { status: 409, ..a_reply("{\"title\": \"no\"}") };
    assert_eq!(fixture.port().store_response(&key, &rejection, now()).await, Ok(IdempotencyOutcome::Committed));
    let again = fixture.port().store_response(&key, &a_reply("another response"), now()).await;
    assert_eq!(again, Ok(IdempotencyOutcome::Replayed(rejection.clone())));
    assert_eq!(
        fixture.port().create(&product, &key, &a_reply("{}")).await,
        Ok(IdempotencyOutcome::Replayed(rejection))
    );
    assert_eq!(find(fixture.port(), product.id).await, None);
    let other = IdempotencyKey { fingerprint: "other".to_owned(), ..key };
    assert_eq!(
        kind_and_code(fixture.port().store_response(&other, &a_reply("{}"), now()).await),
        (FailureKind::Invalid, "idempotency-key-reused")
    );
}

pub async fn concurrent_requests_with_one_key_create_one_product(fixture: &Fixture<impl ProductStore>) {
    let (product, key) = (a_product().created(), a_key());
    let products_to_create: Vec<Product> =
        (0..12).map(|_| Product { id: ProductId(fresh()), ..product.clone() }).collect();
    let reply = a_reply("{}");
    let attempts = fixture.concurrent(products_to_create.len()).zip(&products_to_create);
    let responses = join_all(attempts.map(|(products, one)| products.create(one, &key, &reply))).await;
    assert_eq!(
        responses.iter().filter(|response| **response == Ok(IdempotencyOutcome::Committed)).count(),
        1,
        "{responses:?}"
    );
    for response in responses {
        match response {
            Ok(IdempotencyOutcome::Committed) => {}
            Ok(IdempotencyOutcome::Replayed(first)) => assert_eq!(first, reply),
            Err(failure) => assert!(is_retryable(&failure), "{failure}"),
        }
    }
    let found = join_all(products_to_create.iter().map(|one| find(fixture.port(), one.id))).await;
    assert_eq!(found.iter().flatten().count(), 1);
}

fn is_retryable(failure: &Failure) -> bool {
    failure.code == "idempotency-key-in-flight" || failure.kind == FailureKind::Unavailable
}

pub async fn concurrent_products_with_one_sku_succeed_once(fixture: &Fixture<impl ProductStore>) {
    let product = a_product().created();
    let products_to_create: Vec<Product> =
        (0..12).map(|_| Product { id: ProductId(fresh()), ..product.clone() }).collect();
    let responses = join_all(
        fixture
            .concurrent(products_to_create.len())
            .zip(&products_to_create)
            .map(|(products, one)| create(products, one)),
    )
    .await;
    assert_eq!(
        responses.iter().filter(|response| **response == Ok(IdempotencyOutcome::Committed)).count(),
        1,
        "{responses:?}"
    );
    for failure in responses.into_iter().filter_map(Result::err) {
        assert!(failure.code == "sku-taken" || failure.kind == FailureKind::Unavailable, "{failure}");
    }
    let found = join_all(products_to_create.iter().map(|one| find(fixture.port(), one.id))).await;
    assert_eq!(found.iter().flatten().count(), 1);
}

pub async fn newer_stock_level_replaces_an_older_one_and_never_vice_versa(fixture: &Fixture<impl ProductStore>) {
    let product = a_product().stock(10).created();
    create(fixture.port(), &product).await.expect("created");
    let level = |available, version| StockLevel { product_id: product.id, available, reserved: 1, version };
    for (available, version, changes) in [(10, 1, true), (4, 3, true), (7, 2, false), (9, 3, false), (0, 4, true)] {
        assert_eq!(fixture.port().set_stock(&level(available, version)).await, Ok(changes), "version {version}");
    }
    let known = find(fixture.port(), product.id).await.expect("a product");
    assert_eq!(known, Product { stock_quantity: 0, stock_version: 4, ..product });
}

pub async fn stock_level_of_an_unknown_product_is_ignored(fixture: &Fixture<impl ProductStore>) {
    let product_id = ProductId(fresh());
    let level = StockLevel { product_id, available: 1, reserved: 0, version: 1 };
    assert_eq!(fixture.port().set_stock(&level).await, Ok(false));
    assert_eq!(find(fixture.port(), product_id).await, None);
}

pub async fn concurrent_stock_levels_leave_the_newest(fixture: &Fixture<impl ProductStore>) {
    let product = a_product().created();
    create(fixture.port(), &product).await.expect("created");
    let levels: Vec<StockLevel> = [5, 2, 9, 1, 7, 3, 8, 4, 6]
        .map(|version| StockLevel { product_id: product.id, available: 100 - version, reserved: version, version })
        .into();
    let set =
        join_all(fixture.concurrent(levels.len()).zip(&levels).map(|(products, level)| products.set_stock(level)))
            .await;
    assert!(set.iter().all(Result::is_ok), "{set:?}");
    let known = find(fixture.port(), product.id).await.expect("a product");
    assert_eq!((known.stock_quantity, known.stock_version), (91, 9));
}

fn renamed(product: &Product, name: &str) -> Product {
    let command = serde_json::json!({ "name": name, "category": "deck", "price": { "amount": 1, "currency": "EUR" } });
    let command = serde_json::from_value(command).expect("a command");
    domain::product::update(product, command, now()).expect("allowed")
}

pub async fn replaced_product_keeps_its_stock_figure(fixture: &Fixture<impl ProductStore>) {
    let product = a_product().stock(10).created();
    create(fixture.port(), &product).await.expect("created");
    let level = StockLevel { product_id: product.id, available: 4, reserved: 6, version: 2 };
    assert_eq!(fixture.port().set_stock(&level).await, Ok(true));
    let renamed = renamed(&product, "Anchor");
    assert_eq!(fixture.port().replace(&renamed).await, Ok(true));
    let expected = Product { stock_quantity: 4, stock_version: 2, ..renamed };
    assert_eq!(find(fixture.port(), product.id).await, Some(expected));
}

pub async fn product_is_replaced_from_one_version_only(fixture: &Fixture<impl ProductStore>) {
    let product = a_product().created();
    let second = renamed(&product, "Anchor");
    assert_eq!(fixture.port().replace(&second).await, Ok(false), "it does not exist");
    create(fixture.port(), &product).await.expect("created");
    let third = renamed(&second, "Buoy");
    assert_eq!(fixture.port().replace(&third).await, Ok(false), "version 2 is not stored yet");
    assert_eq!(fixture.port().replace(&second).await, Ok(true));
    assert_eq!(fixture.port().replace(&second).await, Ok(false), "version 1 is not stored any more");
    assert_eq!(find(fixture.port(), product.id).await, Some(second));
}

pub async fn concurrent_changes_of_one_version_succeed_once(fixture: &Fixture<impl ProductStore>) {
    let product = a_product().created();
    create(fixture.port(), &product).await.expect("created");
    let changes: Vec<Product> = (0..8).map(|n| renamed(&product, &format!("Anchor {n}"))).collect();
    let attempts = fixture.concurrent(changes.len()).zip(&changes);
    let replaced = join_all(attempts.map(|(products, change)| products.replace(change))).await;
    assert_eq!(replaced.iter().filter(|one| **one == Ok(true)).count(), 1, "{replaced:?}");
    let winner = replaced.iter().position(|one| *one == Ok(true)).expect("one");
    assert_eq!(find(fixture.port(), product.id).await.as_ref(), Some(&changes[winner]));
}

pub async fn product_is_found_by_its_sku_even_when_it_is_withdrawn(fixture: &Fixture<impl ProductStore>) {
    let (product, port) = (a_product().created(), fixture.port());
    assert_eq!(port.get_by_sku(&product.sku).await, Ok(None));
    create(port, &product).await.expect("created");
    assert_eq!(port.get_by_sku(&product.sku).await, Ok(Some(product.clone())));
    let withdrawn = domain::product::withdraw(&product, now()).expect("allowed");
    assert_eq!(port.replace(&withdrawn).await, Ok(true));
    assert_eq!(port.get_by_sku(&product.sku).await, Ok(Some(withdrawn)));
}

pub async fn sku_of_a_withdrawn_product_stays_taken(fixture: &Fixture<impl ProductStore>) {
    let product = a_product().created();
    create(fixture.port(), &product).await.expect("created");
    let withdrawn = domain::product::withdraw(&product, now()).expect("allowed");
    assert_eq!(fixture.port().replace(&withdrawn).await, Ok(true));
    assert_eq!(find(fixture.port(), product.id).await, Some(withdrawn));
    let second = Product { id: ProductId(fresh()), ..product };
    assert_eq!(kind_and_code(create(fixture.port(), &second).await), (FailureKind::Conflict, "sku-taken"));
}

pub async fn change_under_a_key_is_made_once(fixture: &Fixture<impl ProductStore>) {
    let (product, key, reply) = (a_product().created(), a_key(), a_reply("{\"a\":1}"));
    create(fixture.port(), &product).await.expect("created");
    let (second, port) = (renamed(&product, "Anchor"), fixture.port());
    assert_eq!(port.replace_with_key(&renamed(&second, "Buoy"), &a_key(), &reply).await, Ok(None), "not version 1");
    assert_eq!(port.replace_with_key(&second, &key, &reply).await, Ok(Some(IdempotencyOutcome::Committed)));
    let again = port.replace_with_key(&renamed(&second, "Buoy"), &key, &a_reply("other")).await;
    assert_eq!(again, Ok(Some(IdempotencyOutcome::Replayed(reply))));
    assert_eq!(find(port, product.id).await, Some(second));
}

pub async fn products_are_paged_by_the_hour_of_their_last_change(
    fixture: &Fixture<impl ProductStore + ProductChanges>,
) {
    let port = fixture.port();
    let products: Vec<Product> = (0..4).map(|_| a_product().created()).collect();
    for product in &products {
        create(port, product).await.expect("created");
    }
    let later = seconds_after(now(), product::HOUR_S).expect("a time");
    let moved = Product { updated_at: later, ..renamed(&products[3], "Anchor") };
    assert_eq!(port.replace(&moved).await, Ok(true));
    let level = StockLevel { product_id: products[0].id, available: 4, reserved: 6, version: 2 };
    assert_eq!(port.set_stock(&level).await, Ok(true), "no change by staff");

    let page = async |at, after, limit| {
        let changed = port.changed(SweepPosition { hour: at, after }, limit).await.expect("a page");
        let products = changed.into_iter().map(|one| one.product.inspect(|product| assert_eq!(product.id, one.id)));
        products.collect::<Result<Vec<Product>, Failure>>().expect("products")
    };
    let first = page(now(), None, 2).await;
    let rest = page(now(), Some(first[1].id), 2).await;
    assert_eq!((first.len(), rest.len()), (2, 1));
    let mut listed: Vec<ProductId> = first.iter().chain(&rest).map(|product| product.id).collect();
    listed.sort_unstable();
    let mut expected: Vec<ProductId> = products[..3].iter().map(|product| product.id).collect();
    expected.sort_unstable();
    assert_eq!(listed, expected);
    assert_eq!(page(later, None, 100).await, [moved]);
}
