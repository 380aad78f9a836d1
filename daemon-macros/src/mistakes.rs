//! All mistakes of one attribute and its item, so that one compile tells them all.

use proc_macro2::TokenStream;
use syn::{Error, Result};

/// What is wrong so far.
#[derive(Default)]
pub(crate) struct Mistakes(Option<Error>);

impl Mistakes {
    pub(crate) fn add(&mut self, mistake: Error) {
        match &mut self.0 {
            Some(all) => all.combine(mistake),
            None => self.0 = Some(mistake),
        }
    }

    /// Takes over the `others`, which were kept apart.
    pub(crate) fn join(&mut self, others: &Self) {
        if let Some(others) = &others.0 {
            self.add(others.clone());
        }
    }

    /// The value, if there is one; else the mistake is kept.
    pub(crate) fn note<T>(&mut self, result: Result<T>) -> Option<T> {
        result.map_err(|mistake| self.add(mistake)).ok()
    }

    /// All mistakes as one, or nothing.
    pub(crate) fn into_result(self) -> Result<()> {
        self.0.map_or(Ok(()), Err)
    }

    /// Lets `value` pass only if nothing is wrong.
    pub(crate) fn release<T>(self, value: T) -> std::result::Result<T, Self> {
        match self.0 {
            None => Ok(value),
            Some(_) => Err(self),
        }
    }

    pub(crate) fn into_compile_errors(self) -> TokenStream {
        self.0.map(Error::into_compile_error).unwrap_or_default()
    }

    /// The sentences that rustc will show.
    #[cfg(test)]
    pub(crate) fn told(self) -> Vec<String> {
        let all = self.0.into_iter().flatten();
        all.map(|mistake| mistake.to_string()).collect()
    }
}

impl Extend<Error> for Mistakes {
    fn extend<I: IntoIterator<Item = Error>>(&mut self, mistakes: I) {
        for mistake in mistakes {
            self.add(mistake);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proc_macro2::Span;

    #[test]
    fn every_mistake_is_told_in_its_order() {
        let mistake = |text| Error::new(Span::call_site(), text);
        let mut mistakes = Mistakes::default();
        mistakes.add(mistake("first"));
        mistakes.join(&Mistakes::default());
        assert!(mistakes.note::<()>(Err(mistake("second"))).is_none());
        let told = mistakes.release(()).map_err(Mistakes::told);
        assert_eq!(told, Err(vec!["first".to_owned(), "second".to_owned()]));
    }

    #[test]
    fn a_value_passes_if_nothing_is_wrong() {
        assert_eq!(Mistakes::default().release(1).ok(), Some(1));
    }
}
