//! The messages of PostgreSQL's protocol that a proxy has to distinguish.

use std::io;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, BufReader};

/// A buffered connection: messages are short and arrive several at once.
pub type Stream = BufReader<tokio::net::TcpStream>;

/// `Sync` ends a statement with parameters and commits it.
const SYNC: [u8; 5] = [b'S', 0, 0, 0, 4];
/// `Flush` executes and responds without a commit.
const FLUSH: [u8; 5] = [b'H', 0, 0, 0, 4];

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

/// Reads the startup message of a client.
pub async fn startup(stream: &mut Stream) -> io::Result<Vec<u8>> {
    let body = body(stream).await?;
    let mut bytes = u32::try_from(body.len() + 4).unwrap_or_default().to_be_bytes().to_vec();
    bytes.extend(body);
    Ok(bytes)
}

/// The messages of one client request.
#[derive(Debug, Default)]
pub struct Request {
    bytes: Vec<u8>,
    /// The SQL text; `None` if the client disconnects.
    pub sql: Option<String>,
}

impl Request {
    /// Reads messages until the client waits for a response.
    pub async fn read(stream: &mut Stream) -> io::Result<Self> {
        let mut request = Self::default();
        loop {
            let message = Message::read(stream).await?;
            message.write(&mut request.bytes);
            match message.tag {
                // The name of the statement, empty here, precedes its text.
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

    pub async fn send(&self, server: &mut Stream) -> io::Result<()> {
        server.write_all(&self.bytes).await
    }

    /// Has the server execute the request without a commit. Returns `false`, and sends nothing, if it cannot be split.
    pub async fn send_half(&self, server: &mut Stream) -> io::Result<bool> {
        let Some(half) = self.bytes.strip_suffix(&SYNC) else { return Ok(false) };
        server.write_all(&[half, &FLUSH].concat()).await?;
        // Executed, or failed.
        while !matches!(Message::read(server).await?.tag, b'C' | b'E') {}
        Ok(true)
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The messages of one server response.
#[derive(Debug, Default)]
pub struct Reply {
    pub bytes: Vec<u8>,
    pub failed: bool,
    /// Whether no transaction is open.
    pub is_idle: bool,
}

impl Reply {
    /// Reads messages until the server waits for a request.
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

/// Forwards a login. Returns the server's messages after authentication, to replay them to later clients.
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
            b'E' => return Err(io::Error::other("the server rejects the login")),
            // 12 is the final SCRAM message, which needs no response.
            b'R' if message.body.starts_with(&OK) => welcome = bytes,
            b'R' if !message.body.starts_with(&[0, 0, 0, 12]) => {
                let response = Message::read(client).await?;
                let mut bytes = vec![];
                response.write(&mut bytes);
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
