//! Serves a registry until interrupted: `cargo run --example serve -- 127.0.0.1:5000 [folder]`.
//!
//! Without a folder everything is kept in memory.

use std::error::Error;

use oras_registry::Registry;

#[tokio::main]
#[allow(clippy::print_stderr)]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let addr = arguments.next().unwrap_or("127.0.0.1:5000".to_owned());
    let builder = match arguments.next() {
        Some(folder) => Registry::builder().folder(folder),
        None => Registry::builder().memory(),
    };
    let server = builder.build()?.bind(&addr).await?;
    eprintln!("listening on {}", server.addr());
    tokio::signal::ctrl_c().await?;
    server.shutdown().await;
    Ok(())
}
