//! A server for tests that answers what it is told to, whoever it stands for: AWS or the gateway.

use adapters::aws;
use adapters::config::Config;
use adapters_secrets::SecretValue;
use aws_types::SdkConfig;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// AWS, at `url`.
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

/// A port, and its address.
pub async fn listener() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    (listener, url)
}

/// Answers one request for each of `answers`, in order; what was asked, head and body.
pub async fn serve(listener: TcpListener, answers: &[(u16, &str)]) -> Vec<String> {
    let lines: Vec<_> = answers.iter().map(|(status, body)| (format!("{status} x"), *body)).collect();
    serve_lines(listener, &lines.iter().map(|(head, body)| (head.as_str(), *body)).collect::<Vec<_>>()).await
}

/// As [`serve`], with the line of the status and whatever headers come behind it.
pub async fn serve_lines(listener: TcpListener, answers: &[(&str, &str)]) -> Vec<String> {
    let mut asked = Vec::new();
    for (head, body) in answers {
        let (mut stream, _) = listener.accept().await.unwrap();
        let (mut request, mut part) = (String::new(), [0; 4096]);
        while !is_whole(&request) {
            let read = stream.read(&mut part).await.unwrap();
            request.push_str(std::str::from_utf8(&part[..read]).unwrap());
        }
        asked.push(request);
        let length = body.len();
        let answer = format!("HTTP/1.1 {head}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}");
        stream.write_all(answer.as_bytes()).await.unwrap();
    }
    asked
}

fn is_whole(request: &str) -> bool {
    let Some((head, body)) = request.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok());
    body.len() >= length.unwrap_or(0)
}
