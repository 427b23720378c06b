//! The exchange alone, for trying it out: `cargo run -p exchange --example exchange -- --seconds
//! 10`.

use clap::Parser;

#[derive(Parser)]
struct Cli {
    #[command(flatten)]
    args: exchange::Args,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    exchange::run(Cli::parse().args.options()?)?;
    Ok(())
}
