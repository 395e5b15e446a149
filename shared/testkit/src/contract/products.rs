//! Rules of [`ProductStore`].

use super::{Under, fresh, now, why};
use crate::build::{self, ProductBuilder, a_reply};
use domain::{event::StockLevel, id::ProductId, product::Product};
use futures_util::future::join_all;
use kernel::{Failure, Idempotency, Kind, Settled, StoredReply};
use ports::ProductStore;

/// One test a rule of [`ProductStore`], each over the `Under<impl ProductStore>` that the expression gives when it is awaited.
#[macro_export]
macro_rules! contract_products {
    ($under:expr) => {
        $crate::each_rule! { products, $under;
            a_product_that_was_created_is_there_as_it_was
            the_same_key_and_body_get_the_first_answer_byte_for_byte_and_no_second_product
            the_same_key_with_another_body_is_refused_and_nothing_is_written
            a_taken_sku_is_a_conflict_that_names_the_field_and_frees_the_key
            a_refusal_is_kept_and_given_again
            one_key_many_times_at_once_creates_one_product
            of_many_who_want_one_sku_at_once_one_gets_it
            a_newer_stock_figure_replaces_an_older_one_and_never_the_other_way
            the_stock_of_a_product_that_is_not_there_changes_nothing
            of_many_stock_figures_at_once_the_newest_stays
        }
    };
}

fn a_product() -> ProductBuilder {
    build::product().id(ProductId(fresh())).at(now())
}

fn a_key() -> Idempotency {
    Idempotency { scope: fresh().to_string(), key: fresh().to_string(), fingerprint: "first".to_owned() }
}

async fn create(products: &impl ProductStore, product: &Product) -> Result<Settled, Failure> {
    products.create(product, &a_key(), &a_reply("{}")).await
}

async fn find(products: &impl ProductStore, id: ProductId) -> Option<Product> {
    products.get(id).await.expect("the store answers")
}

pub async fn a_product_that_was_created_is_there_as_it_was(under: &Under<impl ProductStore>) {
    let product = a_product().name("Lamp “Ü” \\ 照明").created();
    assert_eq!(create(under.port(), &product).await, Ok(Settled::Now));
    assert_eq!(find(under.port(), product.id).await, Some(product));
    assert_eq!(find(under.port(), ProductId(fresh())).await, None);
}

pub async fn the_same_key_and_body_get_the_first_answer_byte_for_byte_and_no_second_product(
    under: &Under<impl ProductStore>,
) {
    let (product, key, reply) = (a_product().created(), a_key(), a_reply("{ \"b\": \"\\u00fc ü\",\t\"a\":1.0 }"));
    assert_eq!(under.port().create(&product, &key, &reply).await, Ok(Settled::Now));
    let again = Product { id: ProductId(fresh()), ..product };
    let answer = under.port().create(&again, &key, &a_reply("another answer")).await;
    assert_eq!(answer, Ok(Settled::Before(reply)));
    assert_eq!(find(under.port(), again.id).await, None);
}

pub async fn the_same_key_with_another_body_is_refused_and_nothing_is_written(under: &Under<impl ProductStore>) {
    let key = a_key();
    let created = under.port().create(&a_product().created(), &key, &a_reply("{}")).await;
    assert_eq!(created, Ok(Settled::Now));
    let other = a_product().created();
    let key = Idempotency { fingerprint: "other".to_owned(), ..key };
    let refused = under.port().create(&other, &key, &a_reply("{}")).await;
    assert_eq!(why(refused), (Kind::Invalid, "idempotency-key-reused"));
    assert_eq!(find(under.port(), other.id).await, None);
    assert_eq!(create(under.port(), &other).await, Ok(Settled::Now), "its SKU was not taken");
}

pub async fn a_taken_sku_is_a_conflict_that_names_the_field_and_frees_the_key(under: &Under<impl ProductStore>) {
    let (first, key) = (a_product().created(), a_key());
    create(under.port(), &first).await.expect("created");
    let second = Product { id: ProductId(fresh()), ..first };
    let refused = under.port().create(&second, &key, &a_reply("{}")).await;
    let pointer = refused.as_ref().expect_err("taken").fields.first().map(|field| field.pointer.clone());
    assert_eq!(pointer.as_deref(), Some("/sku"));
    assert_eq!(why(refused), (Kind::Conflict, "sku-taken"));
    assert_eq!(find(under.port(), second.id).await, None);
    let third = a_product().created();
    assert_eq!(under.port().create(&third, &key, &a_reply("{}")).await, Ok(Settled::Now));
}

pub async fn a_refusal_is_kept_and_given_again(under: &Under<impl ProductStore>) {
    let (product, key) = (a_product().created(), a_key());
    let refusal = StoredReply { status: 409, ..a_reply("{\"title\": \"no\"}") };
    assert_eq!(under.port().refuse(&key, &refusal, now()).await, Ok(Settled::Now));
    let again = under.port().refuse(&key, &a_reply("another answer"), now()).await;
    assert_eq!(again, Ok(Settled::Before(refusal.clone())));
    assert_eq!(under.port().create(&product, &key, &a_reply("{}")).await, Ok(Settled::Before(refusal)));
    assert_eq!(find(under.port(), product.id).await, None);
    let other = Idempotency { fingerprint: "other".to_owned(), ..key };
    assert_eq!(
        why(under.port().refuse(&other, &a_reply("{}"), now()).await),
        (Kind::Invalid, "idempotency-key-reused")
    );
}

pub async fn one_key_many_times_at_once_creates_one_product(under: &Under<impl ProductStore>) {
    let (product, key) = (a_product().created(), a_key());
    let wanted: Vec<Product> = (0..12).map(|_| Product { id: ProductId(fresh()), ..product.clone() }).collect();
    let reply = a_reply("{}");
    let attempts = under.crowd(wanted.len()).zip(&wanted);
    let answers = join_all(attempts.map(|(products, one)| products.create(one, &key, &reply))).await;
    assert_eq!(answers.iter().filter(|answer| **answer == Ok(Settled::Now)).count(), 1, "{answers:?}");
    for answer in answers {
        match answer {
            Ok(Settled::Now) => {}
            Ok(Settled::Before(first)) => assert_eq!(first, reply),
            Err(failure) => assert!(may_be_tried_again(&failure), "{failure}"),
        }
    }
    let found = join_all(wanted.iter().map(|one| find(under.port(), one.id))).await;
    assert_eq!(found.iter().flatten().count(), 1);
}

fn may_be_tried_again(failure: &Failure) -> bool {
    failure.code == "idempotency-key-in-flight" || failure.kind == Kind::Unavailable
}

pub async fn of_many_who_want_one_sku_at_once_one_gets_it(under: &Under<impl ProductStore>) {
    let product = a_product().created();
    let wanted: Vec<Product> = (0..12).map(|_| Product { id: ProductId(fresh()), ..product.clone() }).collect();
    let answers = join_all(under.crowd(wanted.len()).zip(&wanted).map(|(products, one)| create(products, one))).await;
    assert_eq!(answers.iter().filter(|answer| **answer == Ok(Settled::Now)).count(), 1, "{answers:?}");
    for failure in answers.into_iter().filter_map(Result::err) {
        assert!(failure.code == "sku-taken" || failure.kind == Kind::Unavailable, "{failure}");
    }
    let found = join_all(wanted.iter().map(|one| find(under.port(), one.id))).await;
    assert_eq!(found.iter().flatten().count(), 1);
}

pub async fn a_newer_stock_figure_replaces_an_older_one_and_never_the_other_way(under: &Under<impl ProductStore>) {
    let product = a_product().stock(10).created();
    create(under.port(), &product).await.expect("created");
    let level = |available, version| StockLevel { product_id: product.id, available, reserved: 1, version };
    for (available, version, changes) in [(10, 1, true), (4, 3, true), (7, 2, false), (9, 3, false), (0, 4, true)] {
        assert_eq!(under.port().set_stock(&level(available, version)).await, Ok(changes), "version {version}");
    }
    let known = find(under.port(), product.id).await.expect("a product");
    assert_eq!(known, Product { stock_quantity: 0, stock_version: 4, ..product });
}

pub async fn the_stock_of_a_product_that_is_not_there_changes_nothing(under: &Under<impl ProductStore>) {
    let product_id = ProductId(fresh());
    let level = StockLevel { product_id, available: 1, reserved: 0, version: 1 };
    assert_eq!(under.port().set_stock(&level).await, Ok(false));
    assert_eq!(find(under.port(), product_id).await, None);
}

pub async fn of_many_stock_figures_at_once_the_newest_stays(under: &Under<impl ProductStore>) {
    let product = a_product().created();
    create(under.port(), &product).await.expect("created");
    let levels: Vec<StockLevel> = [5, 2, 9, 1, 7, 3, 8, 4, 6]
        .map(|version| StockLevel { product_id: product.id, available: 100 - version, reserved: version, version })
        .into();
    let set = join_all(under.crowd(levels.len()).zip(&levels).map(|(products, level)| products.set_stock(level))).await;
    assert!(set.iter().all(Result::is_ok), "{set:?}");
    let known = find(under.port(), product.id).await.expect("a product");
    assert_eq!((known.stock_quantity, known.stock_version), (91, 9));
}
