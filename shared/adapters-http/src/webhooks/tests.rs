//! Signatures by the library and the vectors of Standard Webhooks, and what is not connected to.

mod vectors;

use super::*;
use domain::webhook::WebhookUrl;
use kernel::Timestamp;
use ports::WebhookSender as _;
use standardwebhooks::Webhook;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};

/// The example of the specification and of its libraries.
const SECRET: &str = "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const ID: &str = "msg_p5jXN8AQM9LWM0D4loKWxJek";
const SENT_AT: i64 = 1_614_265_330;
const BODY: &str = r#"{"test": 2432232314}"#;
const SIGNATURE: &str = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";

fn decoded(secret: &str) -> Vec<u8> {
    STANDARD.decode(secret).unwrap()
}

fn message<'a>(url: &'a WebhookUrl, secrets: &[&str]) -> WebhookMessage<'a> {
    let secrets = secrets.iter().map(|secret| decoded(secret)).collect();
    WebhookMessage { url, id: ID.to_owned(), timestamp: Timestamp::from_second(SENT_AT).unwrap(), body: BODY, secrets }
}

fn url(text: &str) -> WebhookUrl {
    WebhookUrl::parse(text).unwrap()
}

#[test]
fn signature_is_that_of_the_published_vector() {
    assert_eq!(signatures(&message(&url("https://example.com/"), &[SECRET])), SIGNATURE);
}

/// `scripts/local/test_webhooks.py` verifies the same message with the library for Python.
#[test]
fn message_in_the_shared_file_is_signed_as_there() {
    let file: serde_json::Value = serde_json::from_str(include_str!("signed.json")).unwrap();
    let text = |pointer: &str| file.pointer(pointer).unwrap().as_str().unwrap();
    let secrets = ["/secrets/0", "/secrets/1"].map(|one| decoded(text(one).strip_prefix("whsec_").unwrap())).into();
    let (url, id) = (url("https://example.com/"), text("/headers/webhook-id").to_owned());
    let timestamp = Timestamp::from_second(text("/headers/webhook-timestamp").parse().unwrap()).unwrap();
    let sent = WebhookMessage { url: &url, id, timestamp, body: text("/body"), secrets };
    assert_eq!(signatures(&sent), text("/headers/webhook-signature"));
}

#[test]
fn library_of_the_specification_verifies_messages_of_both_secrets() {
    let (new, old) = (STANDARD.encode([7; 32]), STANDARD.encode([8; 32]));
    let url = url("https://example.com/");
    let sent = WebhookMessage { timestamp: Timestamp::now(), ..message(&url, &[&new, &old]) };
    let mut headers = reqwest::header::HeaderMap::new();
    headers.insert("webhook-id", ID.parse().unwrap());
    headers.insert("webhook-timestamp", sent.timestamp.as_second().into());
    headers.insert("webhook-signature", signatures(&sent).parse().unwrap());
    for secret in [&new, &old] {
        let library = Webhook::new(&format!("whsec_{secret}")).unwrap();
        library.verify(BODY.as_bytes(), &headers).unwrap();
        assert!(library.verify(b"{}", &headers).is_err());
    }
    let other = Webhook::new(&format!("whsec_{}", STANDARD.encode([9; 32]))).unwrap();
    assert!(other.verify(BODY.as_bytes(), &headers).is_err());
}

/// A receiver that gives each connection this response, and its origin. The requests that it got are sent to the channel.
async fn receiver(response: &'static str) -> (String, tokio::sync::mpsc::UnboundedReceiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    let (sent, requests) = tokio::sync::mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = Vec::new();
            while !request.ends_with(BODY.as_bytes()) && stream.read_buf(&mut request).await.is_ok_and(|n| n > 0) {}
            sent.send(String::from_utf8_lossy(&request).into_owned()).ok();
            stream.write_all(response.as_bytes()).await.ok();
        }
    });
    (origin, requests)
}

fn sender(origin: &str) -> HttpWebhooks {
    HttpWebhooks::new(WebhookTargets { ports: vec![], local_origin: Some(origin.to_owned()) }).unwrap()
}

#[tokio::test]
async fn message_has_the_headers_and_the_body_that_are_signed() {
    let (origin, mut requests) = receiver("HTTP/1.1 204 No Content\r\n\r\n").await;
    let url = url(&format!("{origin}/hook?a=b"));
    assert_eq!(sender(&origin).send_webhook(&message(&url, &[SECRET])).await, Ok(204));
    let request = requests.recv().await.unwrap();
    assert!(request.starts_with("POST /hook?a=b HTTP/1.1\r\n"), "{request}");
    for line in [
        "content-type: application/json",
        &format!("webhook-id: {ID}"),
        &format!("webhook-timestamp: {SENT_AT}"),
        &format!("webhook-signature: {SIGNATURE}"),
    ] {
        assert!(request.contains(&format!("{line}\r\n")), "{line} in {request}");
    }
    assert!(request.ends_with(&format!("\r\n\r\n{BODY}")), "{request}");
}

#[tokio::test]
async fn redirect_is_a_response_and_is_not_followed() {
    let (other, mut unused) = receiver("HTTP/1.1 204 No Content\r\n\r\n").await;
    let location = format!("HTTP/1.1 307 Temporary Redirect\r\nlocation: {other}/\r\ncontent-length: 0\r\n\r\n");
    let (origin, _requests) = receiver(Box::leak(location.into_boxed_str())).await;
    let url = url(&format!("{origin}/"));
    assert_eq!(sender(&origin).send_webhook(&message(&url, &[SECRET])).await, Ok(307));
    assert!(unused.try_recv().is_err());
}

#[tokio::test]
async fn response_without_an_end_is_not_read() {
    let endless = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n";
    let (origin, _requests) = receiver(endless).await;
    let url = url(&format!("{origin}/"));
    assert_eq!(sender(&origin).send_webhook(&message(&url, &[SECRET])).await, Ok(200));
}

#[tokio::test]
async fn broken_connection_is_a_failed_attempt() {
    let (origin, _requests) = receiver("").await;
    let url = url(&format!("{origin}/"));
    let sent = sender(&origin).send_webhook(&message(&url, &[SECRET])).await;
    assert_eq!(sent, Err(SendError::ConnectionFailed));
}

/// Names of a test with their addresses.
#[derive(Debug, Clone)]
struct Fixed(Vec<SocketAddr>);

impl Lookup for Fixed {
    async fn lookup(&self, _: String) -> std::io::Result<Vec<SocketAddr>> {
        Ok(self.0.clone())
    }
}

#[tokio::test]
async fn name_with_any_address_that_is_not_public_is_not_connected_to() {
    for addresses in [
        &["127.0.0.1:0"][..],
        &["169.254.169.254:0"],
        &["93.184.215.14:0", "10.0.0.1:0"],
        &["[::1]:0"],
        &["[::ffff:10.0.0.1]:0"],
        &["[64:ff9b::a00:1]:0"],
    ] {
        let names = Fixed(addresses.iter().map(|address| address.parse().unwrap()).collect());
        let sender =
            HttpWebhooks::with_resolver(WebhookTargets::default(), PublicAddresses { resolve: names }).unwrap();
        let url = url("https://example.com/");
        let sent = sender.send_webhook(&message(&url, &[SECRET])).await;
        assert_eq!(sent, Err(SendError::AddressRefused), "{addresses:?}");
    }
}

#[tokio::test]
async fn url_that_is_not_allowed_any_more_is_not_connected_to() {
    let (origin, mut requests) = receiver("HTTP/1.1 204 No Content\r\n\r\n").await;
    let sender = HttpWebhooks::new(WebhookTargets::default()).unwrap();
    for text in [format!("{origin}/"), "https://127.0.0.1/".to_owned(), "https://example.com:22/".to_owned()] {
        let url = url(&text);
        let sent = sender.send_webhook(&message(&url, &[SECRET])).await;
        assert_eq!(sent, Err(SendError::AddressRefused), "{text}");
    }
    assert!(requests.try_recv().is_err());
}
