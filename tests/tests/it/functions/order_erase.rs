//! Orders of users who were erased.

use super::{
    USER,
    consumers::{USUAL, deliver},
    placed,
};
use testkit::{Platform, build};

#[tokio::test]
async fn order_erase_erases_the_final_orders_of_the_customer() {
    let platform = Platform::new();
    let (open, sent) = (placed(), build::order().number(2).delivered().0);
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
