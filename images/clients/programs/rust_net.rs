//! Rust's std::net: say hi, print the answer.
use std::env::var;
use std::io::{Read, Result, Write};
use std::net::TcpStream;

fn main() -> Result<()> {
    let (server, port) = (var("SERVER").unwrap(), var("PORT").unwrap());
    let mut stream = TcpStream::connect(format!("{server}:{port}"))?;
    stream.write_all(b"hi")?;
    let mut answer = [0; 2048];
    let count = stream.read(&mut answer)?;
    println!("{}", String::from_utf8_lossy(&answer[..count]));
    Ok(())
}
