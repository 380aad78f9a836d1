//! What the attributes make of right and of wrong code. `TRYBUILD=overwrite` writes the `.stderr` files anew.

#[test]
fn every_mistake_is_told_where_it_was_made_and_nothing_else_is() {
    trybuild::TestCases::new().compile_fail("tests/ui/mistakes/*.rs");
}

#[test]
fn everything_that_is_promised_compiles_without_a_warning() {
    trybuild::TestCases::new().pass("tests/ui/fits/*.rs");
}
