//! Every command as a person meets it: what it prints, what it refuses, how it ends.
