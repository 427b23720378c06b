//! Lays environment and command line over the file. An override names a key by its path; elements
//! of a list by their name or number.

use std::rc::Rc;

use super::context::element_name;
use super::fault::{Fault, FaultKind, Origin};
use super::keys;
use super::node::{Node, Value, parse_inline};
use super::spec::{Kind, Table};

/// The prefix of environment variables that are part of the configuration.
pub const ENVIRONMENT_PREFIX: &str = "WIRELANE__";

/// One override, as it was written.
struct Override {
    steps: Vec<String>,
    text: String,
    origin: Origin,
}

/// Lays `environment` (all of the process's variables; those with the prefix count, in the order of
/// their names) and then `sets` (`key.path=value`, in order) over the tree.
pub(super) fn lay(
    root: &mut Node,
    environment: &[(String, String)],
    sets: &[String],
    faults: &mut Vec<Fault>,
) {
    let mut overrides = Vec::new();
    let mut variables: Vec<_> = environment.iter().collect();
    variables.sort();
    for (name, text) in variables {
        if let Some(path) = name.strip_prefix(ENVIRONMENT_PREFIX) {
            overrides.push(Override {
                steps: path.to_ascii_lowercase().split("__").map(str::to_owned).collect(),
                text: text.clone(),
                origin: Origin::Environment(Rc::from(name.as_str())),
            });
        }
    }
    for set in sets {
        // The value is not repeated in the origin: by mistake it may be a secret.
        match set.split_once('=') {
            Some((path, text)) => overrides.push(Override {
                steps: path.trim().split('.').map(str::to_owned).collect(),
                text: text.trim().to_owned(),
                origin: Origin::CommandLine(Rc::from(format!("--set {}", path.trim()))),
            }),
            None => faults.push(Fault {
                kind: FaultKind::Syntax,
                origin: Origin::CommandLine(Rc::from("--set")),
                key: String::new(),
                wrong: "an override without `=`".to_owned(),
                allowed: "--set section.key=value".to_owned(),
                remedy: String::new(),
            }),
        }
    }
    for change in overrides {
        if let Err(fault) = put(root, &keys::ROOT, &change.steps, &change) {
            faults.push(*fault);
        }
    }
    settle(root, &keys::ROOT, faults, "");
}

/// Makes the command line's layout replace the threads of every layer.
pub(super) fn replace_threads(root: &mut Node, layout: &str) {
    let origin = Origin::CommandLine(Rc::from("--layout"));
    if let Value::Table(members) = &mut root.value {
        members.retain(|(key, _)| key != "thread");
        if !members.iter().any(|(key, _)| key == "topology") {
            let value = Value::Table(Vec::new());
            members.push(("topology".to_owned(), Node { value, origin: origin.clone() }));
        }
        let topology = members.iter_mut().find(|(key, _)| key == "topology");
        if let Some((_, Node { value: Value::Table(topology), .. })) = topology {
            topology.retain(|(key, _)| key != "layout");
            let value = Value::Raw(layout.to_owned());
            topology.push(("layout".to_owned(), Node { value, origin }));
        }
    }
}

fn fault(change: &Override, wrong: String, remedy: &str) -> Box<Fault> {
    Box::new(Fault {
        kind: FaultKind::UnknownKey,
        origin: change.origin.clone(),
        key: change.steps.join("."),
        wrong,
        allowed: String::new(),
        remedy: remedy.to_owned(),
    })
}

/// Follows the steps down the tree and puts the text there. A step that no key has is put as it is:
/// the reader reports it as unknown, with the nearest key.
fn put(
    node: &mut Node,
    table: &Table,
    steps: &[String],
    change: &Override,
) -> Result<(), Box<Fault>> {
    let Some((step, rest)) = steps.split_first() else { return Ok(()) };
    let origin = &change.origin;
    let Value::Table(members) = &mut node.value else {
        return Err(fault(change, "leads into a value that is no table".to_owned(), "shorten it"));
    };
    if !members.iter().any(|(key, _)| key == step) {
        let value = match (rest.is_empty(), table.field(step).map(|field| field.kind)) {
            (true, _) => Value::Raw(change.text.clone()),
            (false, Some(Kind::Tables { .. })) => Value::List(Vec::new()),
            (false, _) => Value::Table(Vec::new()),
        };
        members.push((step.clone(), Node { value, origin: origin.clone() }));
    }
    let Some((_, member)) = members.iter_mut().find(|(key, _)| key == step) else { return Ok(()) };
    if rest.is_empty() {
        *member = Node { value: Value::Raw(change.text.clone()), origin: origin.clone() };
        return Ok(());
    }
    static FREE: Table = Table { named_by: None, fields: &[] };
    match table.field(step).map(|field| field.kind) {
        Some(Kind::Table(inner)) => put(member, inner, rest, change),
        Some(Kind::Tables { table: inner, .. }) => put_in_list(member, inner, rest, change),
        Some(Kind::Params) | None => put(member, &FREE, rest, change),
        Some(_) => {
            Err(fault(change, "leads into a value that is no table".to_owned(), "shorten it"))
        }
    }
}

fn put_in_list(
    list: &mut Node,
    table: &Table,
    steps: &[String],
    change: &Override,
) -> Result<(), Box<Fault>> {
    let Value::List(items) = &mut list.value else {
        return Err(fault(change, "leads into a value that is no list".to_owned(), "shorten it"));
    };
    // Environment variables have no `-` and no small letters: both are compared without them.
    let plain = |text: &str| text.to_ascii_lowercase().replace('-', "_");
    for (index, item) in items.iter_mut().enumerate() {
        let name = element_name(table, item, index);
        let mut depth = 1;
        // A name may hold dots (a scope of a symbol as BRK.B): try it against several steps.
        while depth <= steps.len() {
            let (head, rest) = steps.split_at(depth);
            let head = head.join(".");
            if plain(&head) == plain(&name) || head == index.to_string() {
                if rest.is_empty() {
                    let wrong = "names a whole table".to_owned();
                    return Err(fault(change, wrong, "go on to one of its keys"));
                }
                return put(item, table, rest, change);
            }
            depth += 1;
        }
    }
    let names: Vec<String> =
        items.iter().enumerate().map(|(index, item)| element_name(table, item, index)).collect();
    let wrong = format!("{:?} names no element of the list", steps.first().map_or("", |step| step));
    Err(fault(change, wrong, &format!("there is: {}", names.join(", "))))
}

/// Turns untyped text into lists and tables where the key takes one.
fn settle(node: &mut Node, table: &Table, faults: &mut Vec<Fault>, path: &str) {
    let Value::Table(members) = &mut node.value else { return };
    for (key, member) in members {
        let Some(field) = table.field(key) else { continue };
        let path = super::context::join(path, key);
        if let Value::Raw(text) = &member.value {
            match parse_list(&field.kind, text, &member.origin) {
                Ok(Some(value)) => member.value = value,
                Ok(None) => {}
                Err(wrong) => faults.push(Fault {
                    kind: FaultKind::Syntax,
                    origin: member.origin.clone(),
                    key: path.clone(),
                    wrong,
                    allowed: field.kind.allowed(),
                    remedy: "write it as in the file".to_owned(),
                }),
            }
        }
        match field.kind {
            Kind::Table(inner) => settle(member, inner, faults, &path),
            Kind::Tables { table: inner, .. } => {
                if let Value::List(items) = &mut member.value {
                    items.iter_mut().for_each(|item| settle(item, inner, faults, &path));
                }
            }
            _ => {}
        }
    }
}

fn parse_list(kind: &Kind, text: &str, origin: &Origin) -> Result<Option<Value>, String> {
    let inline = match kind {
        Kind::Table(_) | Kind::Tables { .. } | Kind::Params => true,
        Kind::Texts(_) | Kind::Cores => text.starts_with('['),
        _ => return Ok(None),
    };
    if inline {
        return parse_inline(text, origin).map(Some);
    }
    if matches!(kind, Kind::Cores) && text == "auto" {
        return Ok(None);
    }
    let item =
        |part: &str| Node { value: Value::Raw(part.trim().to_owned()), origin: origin.clone() };
    Ok(Some(Value::List(text.split(',').map(item).collect())))
}
