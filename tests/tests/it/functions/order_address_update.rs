//! Responses of order-address-update to its sample events.

use super::{ORDER, assert_all_samples_run, confirmed, http::assert_responses, seeded_platform};
use domain::{id::UserId, order::Note};
use kernel::Uuid;
use ports::{OrderNotes as _, OrderStore as _};
use testkit::Platform;

/// Who the requests of staff are from.
const STAFF: UserId = UserId(Uuid::from_u128(0x0192_f0c1_0000_7000_8000_0000_0000_0002));

async fn notes(platform: &Platform) -> Vec<Note> {
    platform.orders().notes(ORDER, 10, None).await.expect("the store responds").expect("an order").items
}

#[tokio::test]
async fn order_address_update_changes_the_expected_version_within_its_tax_area() {
    assert_all_samples_run(catalog::ORDER_ADDRESS_UPDATE, &["ok", "bad_unknown_field"]);
    let expected = [
        ("bad_unknown_field", 422, "validation", "/planet"),
        ("remove /headers/if-match", 428, "if-match-missing", ""),
        (r#"set /headers/if-match = "\"2\"""#, 412, "precondition-failed", ""),
        (r#"set /body/country = "DE""#, 422, "validation", "/country"),
        (r#"set /body/region = "NY""#, 422, "validation", "/region"),
        ("remove /requestContext/authorizer", 401, "unauthenticated", ""),
        (r#"set /requestContext/authorizer/lambda/sub = "0192f0c1-0000-7000-8000-000000000009""#, 404, "not-found", ""),
        ("ok", 200, "", ""),
        // The version has changed.
        ("ok", 412, "precondition-failed", ""),
        (r#"set /requestContext/authorizer/lambda/role = "staff"; set /headers/if-match = "\"4\"""#, 200, "", ""),
    ];
    let platform = seeded_platform();
    platform.orders().put(&confirmed().0);
    assert_responses(catalog::ORDER_ADDRESS_UPDATE, &expected, async |_, call| {
        order_address_update::handle(&platform.orders(), call).await
    })
    .await;
    let order = platform.orders().get(ORDER, None).await.expect("the store responds").expect("an order");
    assert_eq!((order.shipping_address.line1.as_str(), order.version), ("2 Pier", 4));
    assert_eq!(platform.bus().published(), []);
    assert_eq!(notes(&platform).await, [], "the customer changed it, and staff nothing more");
}

#[tokio::test]
async fn change_by_staff_leaves_a_note_that_names_them() {
    let as_staff = concat!(
        r#"set /requestContext/authorizer/lambda/role = "staff"; "#,
        r#"set /requestContext/authorizer/lambda/sub = "0192f0c1-0000-7000-8000-000000000002""#,
    );
    let platform = seeded_platform();
    platform.orders().put(&confirmed().0);
    let expected = [
        ("bad_unknown_field", 422, "validation", "/planet"),
        (as_staff, 200, "", ""),
        // The version has changed.
        ("ok", 412, "precondition-failed", ""),
    ];
    assert_responses(catalog::ORDER_ADDRESS_UPDATE, &expected, async |_, call| {
        order_address_update::handle(&platform.orders(), call).await
    })
    .await;
    let notes = notes(&platform).await;
    let [note] = &notes[..] else { panic!("{notes:?}") };
    assert_eq!((note.order_id, note.author), (ORDER, STAFF));
    assert_eq!(note.text.as_str(), "The delivery address was changed.");
}
