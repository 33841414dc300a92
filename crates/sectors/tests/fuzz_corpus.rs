//! The fuzz targets' checks on their committed corpora, without a nightly compiler.

#[cfg(test)]
#[path = "../../../fuzz/checks/replay.rs"]
mod replay;
#[cfg(test)]
#[path = "../../../fuzz/checks/sector_files.rs"]
mod sector_files;
#[cfg(test)]
#[path = "../../../fuzz/checks/template_arguments.rs"]
mod template_arguments;

#[cfg(test)]
mod tests {
    use super::replay::replay;

    #[test]
    fn the_corpus_of_sector_files_breaks_nothing() {
        replay("sector_files", super::sector_files::check);
    }

    #[test]
    fn the_corpus_of_template_arguments_breaks_nothing() {
        replay("template_arguments", super::template_arguments::check);
    }
}
