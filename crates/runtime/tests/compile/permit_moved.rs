use dataspace_runtime::Permit;

fn once<'m>(permit: Permit<'m>) -> Permit<'m> {
    permit
}

fn main() {
    let _ = once;
}
