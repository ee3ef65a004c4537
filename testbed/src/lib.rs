//! Real daemons, real containers, exact loads.
