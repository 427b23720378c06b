//! `wirelane order`: orders by hand, through risk like any other, and what stands of all orders.

use super::control::tell;
use crate::failure::{Failure, Outcome};
use crate::place::DirArg;
use crate::stdout::Out;
use engine::control::Request;
use engine::replay::Standing;
use shm::message::{ParentKind, Side};
use shm::units::{Price, Qty};

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
  wirelane order new twap AAPL buy 1000 px=185.50 over=60s slices=12";

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
            Self::List { dir } => return list(&dir),
        };
        tell(&whom.dir.place()?, &request)
    }
}

fn list(dir: &DirArg) -> Outcome {
    let place = dir.place()?;
    let standing = Standing::read(place.dir()).map_err(Failure::unsound)?;
    let mut out = Out::stdout();
    for line in lines(&standing) {
        out.line(&line)?;
    }
    out.flush()
}

/// A line an order and a parent, under a heading each.
fn lines(standing: &Standing) -> Vec<String> {
    let mut lines = Vec::new();
    for order in standing.orders() {
        if lines.is_empty() {
            lines.push(format!(
                "{:<13} {:<10} {:<8} {:<4} {:>10} {:>10} {:>12} {:<16} {:<13}",
                "order",
                "strategy",
                "symbol",
                "side",
                "leaves",
                "filled",
                "price",
                "state",
                "parent"
            ));
        }
        let parent = if order.parent.0 == 0 { String::new() } else { order.parent.to_string() };
        lines.push(format!(
            "{:<13} {:<10} {:<8} {:<4} {:>10} {:>10} {:>12} {:<16} {parent:<13}",
            order.terms.id.to_string(),
            standing.strategy(order.root.strategy()),
            standing.symbol(order.instrument),
            order.side.map_or("", Side::name),
            order.leaves_qty().to_string(),
            order.cum_qty.to_string(),
            order.terms.px.to_string(),
            order.base().name(),
        ));
    }
    if lines.is_empty() {
        lines.push("no order works".to_owned());
    }
    let mut heading = true;
    for parent in standing.parents() {
        if std::mem::take(&mut heading) {
            lines.push(String::new());
            lines.push(format!(
                "{:<13} {:<10} {:<8} {:<10} {:<4} {:>10} {:>14} {:<24} {:<24}",
                "parent", "strategy", "symbol", "type", "side", "qty", "filled", "limits", "stops"
            ));
        }
        lines.push(format!(
            "{:<13} {:<10} {:<8} {:<10} {:<4} {:>10} {:>14} {:<24} {:<24}",
            parent.cl_ord_id.to_string(),
            standing.strategy(parent.cl_ord_id.strategy()),
            standing.symbol(parent.instrument),
            ParentKind::from_u8(parent.parent).map_or("", ParentKind::name),
            Side::from_u8(parent.side).map_or("", Side::name),
            parent.qty.to_string(),
            joined(&parent.filled, |qty: &Qty| (qty.0 != 0).then(|| qty.to_string())),
            joined(&parent.px, |px: &Price| px.is_some().then(|| px.to_string())),
            joined(&parent.stop_px, |px: &Price| px.is_some().then(|| px.to_string())),
        ));
    }
    lines
}

/// What is there of a list, by leg.
fn joined<T>(list: &[T], word: impl Fn(&T) -> Option<String>) -> String {
    let mut words: Vec<String> =
        list.iter().map(|item| word(item).unwrap_or_else(|| "-".to_owned())).collect();
    while words.last().is_some_and(|word| word == "-") {
        words.pop();
    }
    words.join("/")
}
