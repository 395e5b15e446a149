//! A minimal HTTP/1.1 server: one thread per connection, keep-alive, responses with a content length.

use std::{
    io::{BufRead, BufReader, Result, Write},
    net::{TcpListener, TcpStream},
    sync::Arc,
};

pub struct Request {
    pub method: String,
    /// Path with query string.
    pub path: String,
    /// Header `x-amz-target`, which names the operation of an AWS request; empty in other requests.
    pub target: String,
    pub body: Vec<u8>,
}

pub struct Response {
    pub status: u16,
    /// Headers other than `content-length`.
    pub headers: Vec<(&'static str, String)>,
    pub body: Vec<u8>,
}

impl Response {
    pub fn json(status: u16, body: impl ToString) -> Self {
        let headers = vec![("content-type", "application/json".to_owned())];
        Self { status, headers, body: body.to_string().into_bytes() }
    }
}

/// Serves requests on a free local port until the process ends. Returns `host:port`.
pub fn serve(respond: impl Fn(Request) -> Response + Send + Sync + 'static) -> Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?.to_string();
    let respond = Arc::new(respond);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let respond = Arc::clone(&respond);
            // The client notices a connection that fails.
            std::thread::spawn(move || serve_connection(stream, respond.as_ref()).unwrap_or_default());
        }
    });
    Ok(address)
}

fn serve_connection(mut stream: TcpStream, respond: &dyn Fn(Request) -> Response) -> Result<()> {
    stream.set_nodelay(true)?;
    let mut reader = BufReader::new(stream.try_clone()?);
    while let Some(request) = read_request(&mut reader)? {
        let response = respond(request);
        let mut bytes = format!("HTTP/1.1 {} -\r\ncontent-length: {}\r\n", response.status, response.body.len());
        for (name, value) in &response.headers {
            bytes.push_str(&format!("{name}: {value}\r\n"));
        }
        bytes.push_str("\r\n");
        let mut bytes = bytes.into_bytes();
        bytes.extend(response.body);
        stream.write_all(&bytes)?;
    }
    Ok(())
}

fn read_request(reader: &mut impl BufRead) -> Result<Option<Request>> {
    let mut line = String::new();
    if reader.read_line(&mut line)? == 0 {
        return Ok(None);
    }
    let mut words = line.split_whitespace().map(str::to_owned);
    let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let (mut target, mut length, mut is_chunked) = (String::new(), 0, false);
    loop {
        let mut header = String::new();
        reader.read_line(&mut header)?;
        let Some((name, value)) = header.trim_end().split_once(':') else { break };
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.trim().parse().unwrap_or(0),
            "transfer-encoding" => is_chunked = value.contains("chunked"),
            "x-amz-target" => value.trim().clone_into(&mut target),
            _ => {}
        }
    }
    let mut body = vec![0; length];
    if is_chunked {
        body = read_chunks(reader)?;
    } else {
        reader.read_exact(&mut body)?;
    }
    Ok(Some(Request { method, path, target, body }))
}

fn read_chunks(reader: &mut impl BufRead) -> Result<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let mut size = String::new();
        reader.read_line(&mut size)?;
        let size = usize::from_str_radix(size.trim(), 16).unwrap_or(0);
        let mut chunk = vec![0; size + 2];
        reader.read_exact(&mut chunk)?;
        if size == 0 {
            return Ok(body);
        }
        body.extend_from_slice(&chunk[..size]);
    }
}
