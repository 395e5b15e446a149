//! PostgreSQL's messages, as far as somebody between client and server has to tell them apart.

use std::io;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, BufReader};

/// A connection. Messages are short and come several at once, so they are read with few calls.
pub type Stream = BufReader<tokio::net::TcpStream>;

/// `Sync`, at the end of a statement with parameters: what was executed before it is committed by it.
const SYNC: [u8; 5] = [b'S', 0, 0, 0, 4];
/// `Flush`: execute and answer, and do not commit.
const FLUSH: [u8; 5] = [b'H', 0, 0, 0, 4];

/// One message: its tag and its body.
#[derive(Debug)]
pub struct Message {
    pub tag: u8,
    body: Vec<u8>,
}

impl Message {
    async fn read(stream: &mut Stream) -> io::Result<Self> {
        let tag = stream.read_u8().await?;
        Ok(Self { tag, body: body(stream).await? })
    }

    fn write(&self, to: &mut Vec<u8>) {
        to.push(self.tag);
        to.extend(u32::try_from(self.body.len() + 4).unwrap_or_default().to_be_bytes());
        to.extend(&self.body);
    }
}

async fn body(stream: &mut Stream) -> io::Result<Vec<u8>> {
    let length = usize::try_from(stream.read_u32().await?).unwrap_or_default();
    let mut body = vec![0; length.saturating_sub(4)];
    stream.read_exact(&mut body).await?;
    Ok(body)
}

/// The first thing that a client says: who it is.
pub async fn startup(stream: &mut Stream) -> io::Result<Vec<u8>> {
    let body = body(stream).await?;
    let mut bytes = u32::try_from(body.len() + 4).unwrap_or_default().to_be_bytes().to_vec();
    bytes.extend(body);
    Ok(bytes)
}

/// A client's statement.
#[derive(Debug, Default)]
pub struct Request {
    bytes: Vec<u8>,
    /// What it says in SQL; nothing, where the client takes its leave.
    pub sql: Option<String>,
}

impl Request {
    /// All up to the point where the client waits.
    pub async fn read(stream: &mut Stream) -> io::Result<Self> {
        let mut request = Self::default();
        loop {
            let message = Message::read(stream).await?;
            message.write(&mut request.bytes);
            match message.tag {
                // The name of the statement, which is none here, comes before its text.
                b'P' => request.sql = message.body.split(|byte| *byte == 0).nth(1).map(text),
                b'Q' => {
                    request.sql = message.body.split(|byte| *byte == 0).next().map(text);
                    return Ok(request);
                }
                b'S' | b'X' => return Ok(request),
                _ => {}
            }
        }
    }

    /// Sends it.
    pub async fn send(&self, server: &mut Stream) -> io::Result<()> {
        server.write_all(&self.bytes).await
    }

    /// Has the server execute it and not commit it. `false`, and nothing is sent, where it cannot be cut in two.
    pub async fn send_half(&self, server: &mut Stream) -> io::Result<bool> {
        let Some(half) = self.bytes.strip_suffix(&SYNC) else { return Ok(false) };
        server.write_all(&[half, &FLUSH].concat()).await?;
        // It is executed, or refused.
        while !matches!(Message::read(server).await?.tag, b'C' | b'E') {}
        Ok(true)
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A server's answer.
#[derive(Debug, Default)]
pub struct Reply {
    pub bytes: Vec<u8>,
    /// Whether an error is among it.
    pub failed: bool,
    /// Whether no transaction is open after it.
    pub is_idle: bool,
}

impl Reply {
    /// All up to the point where the server waits.
    pub async fn read(stream: &mut Stream) -> io::Result<Self> {
        let mut reply = Self::default();
        loop {
            let message = Message::read(stream).await?;
            message.write(&mut reply.bytes);
            match message.tag {
                b'E' => reply.failed = true,
                b'Z' => {
                    reply.is_idle = message.body == b"I";
                    return Ok(reply);
                }
                _ => {}
            }
        }
    }
}

/// Lets a client log in at a server; what the server says once it has let it in, to be said again to the next client.
pub async fn log_in(client: &mut Stream, server: &mut Stream, startup: &[u8]) -> io::Result<Vec<u8>> {
    const OK: [u8; 4] = [0; 4];
    server.write_all(startup).await?;
    let mut welcome = vec![];
    loop {
        let message = Message::read(server).await?;
        let mut bytes = vec![];
        message.write(&mut bytes);
        client.write_all(&bytes).await?;
        match message.tag {
            b'E' => return Err(io::Error::other("the server lets nobody in")),
            // 12 is the last word of SCRAM, which nobody answers.
            b'R' if message.body.starts_with(&OK) => welcome = bytes,
            b'R' if !message.body.starts_with(&[0, 0, 0, 12]) => {
                let answer = Message::read(client).await?;
                let mut bytes = vec![];
                answer.write(&mut bytes);
                server.write_all(&bytes).await?;
            }
            b'R' => {}
            _ => welcome.extend(bytes),
        }
        if message.tag == b'Z' {
            return Ok(welcome);
        }
    }
}
