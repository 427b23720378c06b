//! The command line.

use crate::commands::{
    audit, bench, cache, completions, config, control, demo, desk, doctor, engine, exchange,
    journal, latency, limits, order, replay, run, services, store, top, trace,
};
use crate::failure::Outcome;
use clap::{Parser, Subcommand};

/// A low-latency trading engine. Without a command: the demonstration
#[derive(Debug, Parser)]
#[command(name = "wirelane", version, args_conflicts_with_subcommands = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    demo: demo::Args,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Exchange and engine on loopback sockets, some seconds of trading, a report
    Demo(Box<demo::Args>),
    /// Run an engine
    Engine(engine::Args),
    /// Run the slow path beside an engine: its journal into a database
    Services(services::Args),
    /// What all engines of a store hold together: positions and open orders
    Desk(desk::Args),
    /// Check, copy, restore, migrate or rebuild the database
    #[command(subcommand)]
    Store(store::Command),
    /// Verify or print the chain of what persons did
    #[command(subcommand)]
    Audit(audit::Command),
    /// What is kept of the database's answers: show, ask, drop
    #[command(subcommand)]
    Cache(cache::Command),
    /// Run engine and services, a process each
    Run(run::Args),
    /// Run an exchange on loopback
    Exchange(Box<::exchange::Args>),
    /// Latency by stage, from shared memory
    Latency(latency::Args),
    /// Watch an engine: threads, rings, books, positions, orders, latency, gates
    Top(top::Args),
    /// Read the journal
    #[command(subcommand)]
    Journal(journal::Command),
    /// Run a recorded session through the stages again
    Replay(replay::Args),
    /// Where the time of one order went
    Trace(trace::Args),
    /// Stop trading: close a gate and cancel what it covers
    Kill(control::GateArgs),
    /// Let trading go on: open a gate
    Arm(control::ArmArgs),
    /// Load or show the limits of a running engine
    #[command(subcommand)]
    Limits(limits::LimitsCommand),
    /// Set what a scope may do: active, reduce-only, cancel-only, halted
    Mode(limits::ModeArgs),
    /// Let an instrument trade again that is held after a contradiction in the venue's reports
    Release(control::ReleaseArgs),
    /// Place, replace, cancel and list orders by hand
    #[command(subcommand)]
    Order(order::Command),
    /// Enable, disable or set a strategy
    #[command(subcommand)]
    Strategy(control::StrategyCommand),
    /// Tell an engine that its operator is there (kill.heartbeat_max_ms)
    Heartbeat(control::DirArgs),
    /// Ask an engine how things are
    Status(control::DirArgs),
    /// Stop an engine in order
    Stop(control::DirArgs),
    /// Check or write a configuration
    #[command(subcommand)]
    Config(config::Command),
    /// What this machine gives an engine, and what it lacks
    Doctor(doctor::Args),
    /// What placements of the stages come to on this machine
    Bench(bench::Args),
    /// Write the completions of a shell
    Completions(completions::Args),
}

impl Cli {
    /// Carries out what was asked for.
    pub(crate) fn run(self) -> Outcome {
        match self.command {
            None => self.demo.run(),
            Some(Command::Demo(args)) => args.run(),
            Some(Command::Engine(args)) => args.run(),
            Some(Command::Services(args)) => args.run(),
            Some(Command::Desk(args)) => args.run(),
            Some(Command::Store(command)) => command.run(),
            Some(Command::Audit(command)) => command.run(),
            Some(Command::Cache(command)) => command.run(),
            Some(Command::Run(args)) => args.run(),
            Some(Command::Exchange(args)) => exchange::run(&args),
            Some(Command::Latency(args)) => args.run(),
            Some(Command::Top(args)) => args.run(),
            Some(Command::Journal(command)) => command.run(),
            Some(Command::Replay(args)) => args.run(),
            Some(Command::Trace(args)) => args.run(),
            Some(Command::Kill(args)) => args.kill(),
            Some(Command::Arm(args)) => args.arm(),
            Some(Command::Limits(command)) => command.run(),
            Some(Command::Mode(args)) => args.run(),
            Some(Command::Release(args)) => args.run(),
            Some(Command::Order(command)) => command.run(),
            Some(Command::Strategy(command)) => command.run(),
            Some(Command::Heartbeat(args)) => args.heartbeat(),
            Some(Command::Status(args)) => args.status(),
            Some(Command::Stop(args)) => args.stop(),
            Some(Command::Config(command)) => command.run(),
            Some(Command::Doctor(args)) => args.run(),
            Some(Command::Bench(args)) => args.run(),
            Some(Command::Completions(args)) => args.run(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    /// Goal: the command line is consistent, no command is a demonstration, and its flags go
    /// without one.
    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
        let plain = Cli::try_parse_from(["wirelane", "--seconds", "5"]).unwrap();
        assert!(plain.command.is_none());
        let named = Cli::try_parse_from(["wirelane", "demo", "--layout", "split2"]).unwrap();
        assert!(matches!(named.command, Some(Command::Demo(_))));
        assert!(Cli::try_parse_from(["wirelane", "--seconds", "5", "top"]).is_err());
        assert!(Cli::try_parse_from(["wirelane", "demo", "--layout", "split9"]).is_err());
        assert!(Cli::try_parse_from(["wirelane", "strategy", "set", "mm", "qty", "5"]).is_ok());
        for (words, is_fine) in [
            (&["get", "order", "X"][..], true),
            (&["get", "orders", "X"], false),
            (&["drop", "order", "X"], true),
            (&["drop", "--tag", "store"], true),
            (&["drop", "order"], false),
            (&["drop", "order", "X", "--tag", "store"], false),
            (&["drop"], false),
        ] {
            let line = ["wirelane", "cache"].iter().chain(words);
            assert_eq!(Cli::try_parse_from(line).is_ok(), is_fine, "{words:?}");
        }
    }
}
