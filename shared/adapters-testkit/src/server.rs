//! An HTTP server with scripted responses, in place of AWS or the payment gateway.
#![allow(clippy::unwrap_used, reason = "test support panics like a test")]

use adapters::aws;
use adapters::config::Config;
use adapters_secrets::SecretValue;
use aws_types::SdkConfig;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// The configuration of AWS clients that call the server at `url`.
pub fn sdk(url: &str) -> SdkConfig {
    let config = Config::from_vars([
        ("AWS_REGION", "eu-central-1"),
        ("AWS_ACCESS_KEY_ID", "test"),
        ("AWS_SECRET_ACCESS_KEY", "test"),
        ("AWS_ENDPOINT_URL", url),
    ]);
    aws::sdk_config(&config).unwrap()
}

/// A secret that is read from the server at `url`.
pub fn secret(url: &str) -> SecretValue {
    SecretValue::new(aws_sdk_secretsmanager::Client::new(&sdk(url)), "secret".to_owned())
}

/// A free port and its URL.
pub async fn listener() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    (listener, url)
}

/// Sends one response to each request, in order, and returns the requests with head and body.
pub async fn serve(listener: TcpListener, responses: &[(u16, &str)]) -> Vec<String> {
    let lines: Vec<_> = responses.iter().map(|(status, body)| (format!("{status} x"), *body)).collect();
    serve_lines(listener, &lines.iter().map(|(head, body)| (head.as_str(), *body)).collect::<Vec<_>>()).await
}

/// Like [`serve`], with the status line and further headers of each response.
pub async fn serve_lines(listener: TcpListener, responses: &[(&str, &str)]) -> Vec<String> {
    let mut requests = Vec::new();
    for (head, body) in responses {
        let (mut stream, _) = listener.accept().await.unwrap();
        requests.push(read_request(&mut stream).await);
        write_response(&mut stream, head, body).await;
    }
    requests
}

/// Responds to every request with what `respond` makes of it. Never returns.
pub async fn respond(listener: TcpListener, mut respond: impl FnMut(&str) -> (u16, String)) {
    loop {
        let (mut stream, _) = listener.accept().await.unwrap();
        let request = read_request(&mut stream).await;
        let (status, body) = respond(&request);
        write_response(&mut stream, &format!("{status} x"), &body).await;
    }
}

async fn read_request(stream: &mut TcpStream) -> String {
    let (mut request, mut bytes) = (String::new(), [0; 4096]);
    while !is_complete(&request) {
        let read = stream.read(&mut bytes).await.unwrap();
        request.push_str(std::str::from_utf8(&bytes[..read]).unwrap());
    }
    request
}

async fn write_response(stream: &mut TcpStream, head: &str, body: &str) {
    let length = body.len();
    let response = format!("HTTP/1.1 {head}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}");
    stream.write_all(response.as_bytes()).await.unwrap();
}

fn is_complete(request: &str) -> bool {
    let Some((head, body)) = request.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok());
    body.len() >= length.unwrap_or(0)
}
