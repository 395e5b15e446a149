//! What consumers do about users who were erased.

use super::{
    USER,
    consumers::{USUAL, deliver, redeliver},
    notifications::send_update,
    placed,
};
use ports::ContactStore as _;
use testkit::{Platform, build};

#[tokio::test]
async fn order_erase_erases_the_final_orders_of_the_customer() {
    let platform = Platform::new();
    let (open, sent) = (placed(), build::order().number(2).owner(USER).delivered().0);
    platform.orders().put(&open);
    platform.orders().put(&sent);
    assert_eq!((open.user_id, sent.user_id), (USER, USER));
    deliver(catalog::ORDER_ERASE, &USUAL, &platform, async |delivery| {
        order_erase::handle(&platform.orders(), delivery).await
    })
    .await;
    let addresses: Vec<_> =
        platform.orders().all().into_iter().map(|order| (order.id, order.shipping_address)).collect();
    assert!(addresses.contains(&(open.id, open.shipping_address)), "an open order keeps its address");
    assert!(addresses.contains(&(sent.id, sent.shipping_address.erased())), "{addresses:?}");
}

/// Every order of `items`.
fn permutations(items: &[&'static str]) -> Vec<Vec<&'static str>> {
    if items.is_empty() {
        return vec![Vec::new()];
    }
    let with_first = |n: usize| {
        let rest: Vec<_> = items.iter().enumerate().filter(|(other, _)| *other != n).map(|(_, item)| *item).collect();
        permutations(&rest).into_iter().map(move |tail| [vec![items[n]], tail].concat())
    };
    (0..items.len()).flat_map(with_first).collect()
}

#[tokio::test]
async fn contact_is_erased_whatever_the_order_of_the_events() {
    let orders = permutations(&["ok", "ok_updated", "ok_verified", "ok_deleted", "ok_erased"]);
    assert_eq!(orders.len(), 120);
    for order in orders {
        let platform = Platform::new();
        let track = async |delivery| contact_track::handle(&platform.contacts(), delivery).await;
        for case in &order {
            redeliver(catalog::CONTACT_TRACK, case, &platform, &track).await;
        }
        assert_eq!(platform.contacts().find(USER).await, Ok(None), "{order:?}");
        assert_eq!(platform.contacts().is_erased(USER).await, Ok(true), "{order:?}");
    }
}

#[tokio::test]
async fn order_notification_for_an_erased_customer_is_dropped_and_not_retried() {
    let platform = Platform::new();
    let track = async |delivery| contact_track::handle(&platform.contacts(), delivery).await;
    for case in ["ok", "ok_verified", "ok_erased"] {
        redeliver(catalog::CONTACT_TRACK, case, &platform, &track).await;
    }
    redeliver(catalog::UPDATE_SEND, "ok", &platform, &async |delivery| send_update(&platform, delivery).await).await;
    assert!(platform.email_sender().sent().is_empty());
}
