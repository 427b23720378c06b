//! `wirelane order`: orders by hand, through risk like any other, and what stands of all orders.

use super::control::{ask, not_done};
use crate::failure::Outcome;
use crate::hand::{self, Tail};
use crate::place::DirArg;
use crate::stdout;
use engine::control::{Request, Why};

/// What to do.
#[derive(Clone, Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Place an order; a strategy of kind exec works it
    #[command(after_help = EXAMPLES)]
    New {
        /// limit, market, post-only, stop, stop-limit, trailing, oco, bracket, iceberg or twap
        #[arg(value_name = "TYPE")]
        kind: String,
        /// SYMBOL, or VENUE/SYMBOL
        symbol: String,
        /// buy or sell
        side: String,
        /// Quantity
        qty: String,
        /// The rest of the order, each KEY=VALUE
        #[arg(value_name = "KEY=VALUE")]
        terms: Vec<String>,
        #[command(flatten)]
        whom: Whom,
    },
    /// Replace an order: px=PRICE, qty=WHOLE QUANTITY, executions counted
    Replace {
        /// Its number, or its id
        order: String,
        /// px=PRICE, qty=QUANTITY
        #[arg(value_name = "KEY=VALUE", required = true)]
        terms: Vec<String>,
        #[command(flatten)]
        whom: Whom,
    },
    /// Cancel an order, or a parent with its children
    Cancel {
        /// Its number, or its id
        order: String,
        #[command(flatten)]
        whom: Whom,
    },
    /// Orders that work and parents that are open, as the journal has them
    List {
        /// And the orders by hand that have ended or were refused since the start, with the reason
        #[arg(long)]
        all: bool,
        #[command(flatten)]
        dir: DirArg,
    },
}

/// Which strategy of which engine.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Whom {
    /// The strategy of kind exec, where there are several
    #[arg(long, default_value = "")]
    strategy: String,
    /// Not to wait for the word of risk and the venue's first answer, which takes 3 s at most
    #[arg(long)]
    no_wait: bool,
    #[command(flatten)]
    dir: DirArg,
}

const EXAMPLES: &str = "\
Examples:
  wirelane order new limit AAPL buy 100 px=185.00 tif=gtd expires=30s
  wirelane order new limit AAPL buy 100 px=185.00 hidden        tif=day|ioc|fok|gtd, show=QTY
  wirelane order new stop AAPL sell 100 stop=184.00             trigger=quote|last
  wirelane order new stop-limit AAPL sell 100 stop=184.00 px=183.90
  wirelane order new trailing AAPL sell 100 ticks=20            or bps=10
  wirelane order new oco AAPL sell 100 px=186.00 side-2=sell stop-2=184.00 shared
  wirelane order new bracket AAPL buy 100 px=185.00 profit=186.00 stop=184.00
  wirelane order new iceberg AAPL buy 1000 px=185.00 show=100
  wirelane order new twap AAPL buy 1000 px=185.50 over=60s slices=12

Ends with 0 once the venue has taken it (a parent that waits for its time or price: once risk has), 6 when risk, gateway
or venue refused it, 7 when there is no answer within 3 s (it may yet act) or a parent works on though its first order
was refused, 4 when there is no such order or instrument, 2 when its words make no order.";

impl Command {
    /// Asks, or shows.
    pub(crate) fn run(&self) -> Outcome {
        let (whom, request) = match self.clone() {
            Self::New { kind, symbol, side, qty, terms, whom } => {
                let strategy = whom.strategy.clone();
                let instrument = symbol;
                (whom, Request::OrderNew { strategy, instrument, kind, side, qty, terms })
            }
            Self::Replace { order, terms, whom } => {
                let strategy = whom.strategy.clone();
                (whom, Request::OrderReplace { strategy, order, terms })
            }
            Self::Cancel { order, whom } => {
                let strategy = whom.strategy.clone();
                (whom, Request::OrderCancel { strategy, order })
            }
            Self::List { all, dir } => return hand::list::show(&dir.place()?, all),
        };
        let place = whom.dir.place()?;
        // Where the journal stands before: what is told after it is of this command.
        let tail = if whom.no_wait { None } else { Some(Tail::now(&place)?) };
        let reply = ask(&place, &request)?;
        match (reply.given, tail) {
            _ if !reply.ok && matches!(request, Request::OrderNew { .. }) => Err(not_done(&reply)),
            _ if reply.why == Why::NotThere => Err(not_done(&reply)
                .remedy("wirelane order list --all shows the orders of this session")),
            _ if !reply.ok => Err(not_done(&reply)),
            (Some(given), Some(tail)) => hand::wait(&place, tail, &reply, given),
            _ => stdout::print(&format!("{}\n", reply.text)),
        }
    }
}
