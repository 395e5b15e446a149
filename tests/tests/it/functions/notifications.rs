//! What the back office writes, and what was written.

use super::{
    ORDER, USER, clock,
    consumers::{USUAL, deliver},
    http::answers,
    sample, shop,
};
use domain::{
    DomainEvent,
    notification::{Channel, Template},
};
use edge::Consumer;
use ports::NotificationDesk as _;

#[tokio::test]
async fn notification_send_writes_once_a_key_what_staff_says() {
    let expected = [
        ("bad_channel", 422, "validation", "/channel"),
        ("bad_template", 422, "validation", "/template"),
        ("bad_subject", 422, "validation", "/data/subject"),
        ("bad_text", 422, "validation", "/data/text"),
        ("bad_user", 422, "validation", "/user_id"),
        ("bad_customer", 403, "forbidden", ""),
        ("bad_no_key", 400, "idempotency-key-missing", ""),
        ("ok", 202, "", ""),
    ];
    let platform = shop();
    for _ in 0..2 {
        answers(catalog::NOTIFICATION_SEND, &expected, async |_, call| {
            notification_send::handle(&platform.contacts(), call).await
        })
        .await;
    }
    let told: Vec<DomainEvent> = platform.bus().published().into_iter().map(|event| event.event).collect();
    assert!(matches!(told.as_slice(), [DomainEvent::NotificationRequested(_)]), "{told:?}");
}

#[tokio::test]
async fn message_send_sends_once_what_was_asked_for_and_keeps_it_in_the_log() {
    let platform = shop();
    deliver(catalog::MESSAGE_SEND, &USUAL, &platform, async |delivery| {
        message_send::handle(&platform.contacts(), &platform.letters(), &platform.mailer(), delivery).await
    })
    .await;
    assert_eq!(platform.mailer().sent().len(), 1);
    let log = platform.contacts().log(ORDER, 10, None).await.expect("a page").items;
    let sent = &log[0].sent;
    assert_eq!((log.len(), sent.user_id, sent.channel, sent.template), (1, USER, Channel::Email, Template::Message));
}

#[tokio::test]
async fn notification_list_shows_the_back_office_what_was_sent_about_an_order() {
    let expected = [
        ("ok", 200, "", ""),
        ("bad_no_order", 422, "validation", "?order_id"),
        ("bad_order", 422, "validation", "?order_id"),
        ("bad_customer", 403, "forbidden", ""),
    ];
    let platform = shop();
    let handler = async |delivery| {
        mail_send::handle(&platform.contacts(), &platform.letters(), &platform.mailer(), delivery).await
    };
    for case in ["ok", "ok_shipped"] {
        let (consumer, event) = (Consumer::new(catalog::MAIL_SEND.name), sample(catalog::MAIL_SEND, case));
        edge::queue::batch(&consumer, event, &clock(), &platform.dead_letters(), &handler).await.expect("a batch");
    }
    answers(catalog::NOTIFICATION_LIST, &expected, async |case, call| {
        let reply = notification_list::handle(&platform.contacts(), call).await?;
        if case == "ok" {
            let text = reply.to_stored()?.body;
            assert!(text.contains("order_confirmed") && text.contains("order_shipped"), "{text}");
        }
        Ok(reply)
    })
    .await;
}
