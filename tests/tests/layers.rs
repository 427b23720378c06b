//! Who may know whom, in the workspace as it stands. The rule and its planted violations are in
//! `xtask::check::layers`.
#![forbid(unsafe_code)]

use std::path::Path;

use xtask::check::layers;

fn manifests() -> Vec<layers::Manifest> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    layers::read(root).unwrap()
}

// Goal: arrows run one way: shm <- feed, gateway <- engine, and services <- shm alone. Method: read
// every manifest of the workspace.
#[test]
fn arrows_run_one_way() {
    let findings = layers::check(&manifests());
    assert!(findings.is_empty(), "{findings:#?}");
}

// Goal: the test above can fail. Method: the same manifests with one edge planted: services ->
// engine, which would let the slow path into the hot one.
#[test]
fn planted_edge_from_services_to_engine_is_found() {
    let mut manifests = manifests();
    let services = manifests.iter_mut().find(|(path, _)| path == "services/Cargo.toml").unwrap();
    services.1 =
        services.1.replace("[dependencies]\n", "[dependencies]\nengine.workspace = true\n");
    let findings = layers::check(&manifests);
    assert_eq!(findings.len(), 1, "{findings:#?}");
    assert!(findings[0].text.contains("services must not know engine"));
}
