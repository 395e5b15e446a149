//! Tests of products and their events.

use super::*;
use serde_json::{from_value, json};

fn command(units: i64) -> Result<CreateProduct, serde_json::Error> {
    from_value(json!({
        "sku": "LAMP-1", "name": "Lamp", "category": "lighting", "price": { "amount": 1999, "currency": "USD" },
        "stock_quantity": units,
    }))
}

#[test]
fn new_product_and_its_event_have_the_initial_stock() {
    for units in [0, 7, i64::from(MAX_STOCK)] {
        let product = create(ProductId(kernel::Uuid::nil()), command(units).expect("reads"), Timestamp::UNIX_EPOCH);
        assert_eq!((product.stock_quantity, i64::from(product.created().stock_quantity)), (units, units));
    }
    for refused in [-1, i64::from(MAX_STOCK) + 1, i64::MAX] {
        assert!(command(refused).is_err(), "{refused}");
    }
}

fn lamp() -> Product {
    create(ProductId(Uuid::from_u128(7)), command(3).expect("reads"), Timestamp::UNIX_EPOCH)
}

fn replacement(sku: Option<&str>) -> UpdateProduct {
    from_value(json!({
        "sku": sku, "name": "Ship lamp", "category": "deck", "price": { "amount": 2500, "currency": "USD" },
    }))
    .expect("reads")
}

#[test]
fn update_replaces_what_staff_state_and_keeps_the_rest() {
    let now = Timestamp::from_second(60).expect("an instant");
    let updated = update(&lamp(), replacement(Some("lamp-1")), now).expect("allowed");
    assert_eq!(
        (updated.name.as_str(), updated.category.as_str(), updated.price.amount.get()),
        ("Ship lamp", "deck", 2500)
    );
    assert_eq!((updated.version, updated.updated_at, updated.created_at), (2, now, Timestamp::UNIX_EPOCH));
    assert_eq!((updated.stock_quantity, updated.sku, updated.id), (3, lamp().sku, lamp().id));
    let refused = update(&lamp(), replacement(Some("LAMP-2")), now).expect_err("another SKU");
    assert_eq!(refused.fields[0].pointer, "/sku");
}

#[test]
fn withdrawn_product_is_neither_changed_nor_withdrawn_again() {
    let withdrawn = withdraw(&lamp(), Timestamp::UNIX_EPOCH).expect("allowed");
    assert_eq!((withdrawn.active, withdrawn.version, withdrawn.snapshot().active), (false, 2, false));
    let again =
        [withdraw(&withdrawn, Timestamp::UNIX_EPOCH), update(&withdrawn, replacement(None), Timestamp::UNIX_EPOCH)];
    assert!(again.into_iter().all(|refused| refused.is_err_and(|failure| failure.kind == FailureKind::NotFound)));
}

#[test]
fn each_version_has_its_event_and_one_event_id() {
    let updated = update(&lamp(), replacement(None), Timestamp::UNIX_EPOCH).expect("allowed");
    let withdrawn = withdraw(&updated, Timestamp::UNIX_EPOCH).expect("allowed");
    let events = [&lamp(), &updated, &withdrawn].map(|product| product.event().row().name);
    assert_eq!(events, ["ProductCreated.v1", "ProductUpdated.v1", "ProductDeleted.v1"]);
    assert_eq!(lamp().event_id(), lamp().id.0);
    let ids = [&lamp(), &updated, &withdrawn].map(Product::event_id);
    assert!(ids[0] < ids[1] && ids[1] < ids[2], "{ids:?}");
}

#[test]
fn event_of_a_version_names_whose_request_made_it() {
    let staff = Principal { id: Uuid::from_u128(9), role: "staff".to_owned() };
    let named = lamp().by(Some(&staff));
    assert_eq!(named.change_event().actor, Some(staff.clone()));
    let imported = update(&named, replacement(None), Timestamp::UNIX_EPOCH).expect("allowed");
    assert_eq!(imported.change_event().actor, None, "the change before was by staff");
    let [creation, change] = &imported.by(Some(&staff)).events_since(Timestamp::UNIX_EPOCH).expect("events")[..] else {
        panic!("two events")
    };
    assert_eq!((&creation.actor, &change.actor), (&None, &Some(staff)), "who created it is forgotten");
}

#[test]
fn image_is_shown_once_its_upload_is_accepted() {
    let (id, now) = (ImageId(Uuid::from_u128(9)), Timestamp::UNIX_EPOCH);
    let command: AddImage = from_value(json!({ "content_type": "image/png", "size": 10 })).expect("reads");
    let added = add_image(&lamp(), id, &command, now).expect("allowed");
    assert_eq!((added.version, added.ready_images().count()), (2, 0));
    let ready = conclude_image(&added, id, Ok(()), now).expect("pending");
    assert_eq!((ready.version, ready.ready_images().count()), (3, 1));
    assert_eq!(conclude_image(&ready, id, Ok(()), now), None, "it is concluded once");
    let refused = conclude_image(&added, id, Err(Refusal::TrailingData), now).expect("pending");
    assert_eq!((refused.images[0].reason, refused.ready_images().count()), (Some(Refusal::TrailingData), 0));
    let removed = remove_image(&ready, id, now).expect("there");
    assert!(removed.images.is_empty() && remove_image(&removed, id, now).is_err());
    assert_eq!(conclude_image(&removed, id, Ok(()), now), None);
}

#[test]
fn product_has_a_limited_number_of_images() {
    let command: AddImage = from_value(json!({ "content_type": "image/png", "size": 10 })).expect("reads");
    let add =
        |product: &Product, n: u128| add_image(product, ImageId(Uuid::from_u128(n)), &command, product.updated_at);
    let full = (0..10).fold(lamp(), |product, n| add(&product, n).expect("allowed"));
    assert_eq!(add(&full, 10).expect_err("full").code, "too-many-images");
}
