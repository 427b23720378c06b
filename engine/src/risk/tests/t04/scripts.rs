//! The order state change matrices of FIX as scripts, in the notation that `t04.rs` reads.
//!
//! Documents: the "Order state changes" of FIX (Appendix D), as OnixS publishes them per version:
//! S42 FIX 4.2, S43 4.3, S44 4.4, S50 5.0, S51 5.0 SP1, S52 5.0 SP2; T1 is a test of another
//! project that cites the FIX Trading Community's ids, where the page itself could not be read.

/// One matrix.
pub(super) struct Matrix {
    /// Its id of the 5.0 numbering, and of the 4.2 numbering.
    pub(super) id: &'static str,
    /// Document and row.
    pub(super) source: &'static str,
    /// Lines: `>` we send, `<` we hear.
    pub(super) lines: &'static [&'static str],
}

const fn matrix(id: &'static str, source: &'static str, lines: &'static [&'static str]) -> Matrix {
    Matrix { id, source, lines }
}

const D: &str = "> D X 10000";
const NEW: &str = "< 8 NEW/NEW X 10000/0/10000 ~ 8 REJ/REJ X 10000/0/0";
const NEW0: &str = "< 8 NEW/NEW X 10000/0/10000";
const P1: &str = "< 8 TRD/PF X 10000/1000/9000 +1000";
const P2: &str = "< 8 TRD/PF X 10000/2000/8000 +2000";
const DONE: &str = "< 8 DFD/DFD X 10000/2000/0";
const RENEWED: &str = "< 8 RST/PF X 10000/2000/8000";

/// Every matrix with a source.
pub(super) const MATRICES: &[Matrix] = &[
    matrix(
        "A.1.a D1 filled in pieces",
        "T1 rows 1-5",
        &[D, NEW, P2, "< 8 TRD/PF X 10000/3000/7000 +1000", "< 8 TRD/FIL X 10000/10000/0 +7000"],
    ),
    matrix(
        "A.1.b D2 day order, day ends",
        "S44, S52 rows 1-5",
        &[D, NEW, P2, "< 8 TRD/PF X 10000/3000/7000 +1000", "< 8 DFD/DFD X 10000/3000/0"],
    ),
    matrix(
        "B.1.a D3 cancel, nothing filled",
        "S42 rows 1-5",
        &[
            D,
            NEW,
            "> F Y<X",
            "< 8 PCX/PCX Y<X 10000/0/10000 ~ 9 NEW Y<X",
            "< 8 CXL/CXL Y<X 10000/0/0 ~ 9 NEW Y<X",
        ],
    ),
    matrix(
        "B.1.b D4 cancel of a part fill",
        "S44, S42 rows 1-7",
        &[
            D,
            NEW,
            P2,
            "> F Y<X",
            "< 8 TRD/PF X 10000/5000/5000 +3000",
            "< 8 PCX/PCX Y<X 10000/5000/5000 ~ 9 PF Y<X",
            "< 8 TRD/PCX X 10000/6000/4000 +1000",
            "< 8 CXL/CXL Y<X 10000/6000/0 ~ 9 PF Y<X",
        ],
    ),
    matrix(
        "B.1.c D5 filled before the cancel",
        "S52, S50, S51 rows 1-7",
        &[
            D,
            NEW,
            P2,
            "> F Y<X",
            "< 8 TRD/PF X 10000/5000/5000 +3000",
            "< 8 PCX/PCX Y<X 10000/5000/5000 ~ 9 PF Y<X",
            "< 8 TRD/PCX X 10000/10000/0 +5000",
            "< 9 FIL Y<X",
        ],
    ),
    matrix(
        "B.1.e no. 7 cancel crosses the acknowledgement",
        "S51 rows 1-4",
        &[D, "> F Y<X", NEW0, "< 8 PCX/PCX Y<X 10000/0/10000", "< 8 CXL/CXL Y<X 10000/0/0"],
    ),
    matrix(
        "B.1.f no. 7a cancel of an unknown order",
        "S43 rows 1-2",
        &["> F Y<X ! UNKNOWN_ORDER", D, NEW0],
    ),
    matrix(
        "C.1.a D6 increase, nothing filled",
        "T1 rows 1-5",
        &[
            D,
            NEW,
            "> G Y<X 11000",
            "< 8 PRP/PRP Y<X 10000/0/10000 ~ 9 NEW Y<X",
            "< 8 REP/NEW Y<X 11000/0/11000",
        ],
    ),
    matrix(
        "C.1.b D7 increase, fill while pending",
        "S51, S52 rows 1-8",
        &[
            D,
            NEW,
            P1,
            "> G Y<X 12000",
            "< 8 PRP/PRP Y<X 10000/1000/9000 ~ 9 PF Y<X",
            "< 8 TRD/PRP X 10000/1100/8900 +100",
            "< 8 REP/PF Y<X 12000/1100/10900 ~ 9 PF Y<X",
            "< 8 TRD/FIL Y 12000/12000/0 +10900",
        ],
    ),
    matrix(
        "C.1.c D8 increase after the order is filled",
        "T1 rows 1-6",
        &[
            D,
            NEW,
            "> G Y<X 12000",
            "< 8 TRD/FIL X 10000/10000/0 +10000",
            "< 8 PRP/PRP Y<X 10000/10000/0 ~ 9 FIL Y<X",
            "< 8 REP/PF Y<X 12000/10000/2000",
            "< 8 TRD/FIL Y 12000/12000/0 +2000",
        ],
    ),
    matrix(
        "C.2.a D9 price-only replace loses to a fill",
        "S44, S42 rows 1-5",
        &[D, NEW, P1, "> G Y<X 10000", "< 8 TRD/FIL X 10000/10000/0 +9000", "< 9 FIL Y<X"],
    ),
    matrix(
        "C.3.a D10 decrease above CumQty",
        "S52, S42 rows 1-8",
        &[
            D,
            NEW,
            P1,
            "> G Y<X 8000",
            "< 8 TRD/PF X 10000/1500/8500 +500",
            "< 8 PRP/PRP Y<X 10000/1500/8500 ~ 9 PF Y<X",
            "< 8 TRD/PRP X 10000/1600/8400 +100",
            "< 8 REP/PF Y<X 8000/1600/6400 ~ 9 PF Y<X",
            "< 8 TRD/FIL Y 8000/8000/0 +6400",
        ],
    ),
    matrix(
        "C.3.b D11 decrease to CumQty",
        "S43, S42 rows 1-4",
        &[
            D,
            NEW,
            "> G Y<X 7000",
            "< 8 TRD/PF X 10000/7000/3000 +7000",
            "< 8 REP/FIL Y<X 7000/7000/0",
        ],
    ),
    matrix(
        "C.3.c D12 decrease below CumQty",
        "S52 rows 1-4",
        &[
            D,
            NEW,
            "> G Y<X 7000",
            "< 8 TRD/PF X 10000/8000/2000 +8000",
            "< 8 REP/FIL Y<X 8000/8000/0",
        ],
    ),
    matrix(
        "D.1.a D13 two replaces one after the other",
        "S52, S43 rows 1-13",
        &[
            D,
            NEW,
            P1,
            "> G Y<X 8000",
            "< 8 PRP/PRP Y<X 10000/1000/9000",
            "< 8 TRD/PRP X 10000/1500/8500 +500",
            "< 8 REP/PF Y<X 8000/1500/6500",
            "< 8 TRD/PF Y 8000/3500/4500 +2000",
            "> G Z<Y 6000",
            "< 8 PRP/PRP Z<Y 8000/3500/4500",
            "< 8 TRD/PRP Y 8000/4000/4000 +500",
            "< 8 REP/PF Z<Y 6000/4000/2000",
            "< 8 TRD/FIL Z 6000/6000/0 +2000",
        ],
    ),
    matrix(
        "D.1.b D14 first replace refused before pending",
        "S52 rows 1-11",
        &[
            D,
            NEW,
            P1,
            "> G Y<X 8000",
            "< 9 PF Y<X",
            "< 8 TRD/PF X 10000/1500/8500 +500",
            "< 8 TRD/PF X 10000/3500/6500 +2000",
            "> G Z<X 6000",
            "< 8 PRP/PRP Z<X 10000/3500/6500",
            "< 8 REP/PF Z<X 6000/3500/2500",
            "< 8 TRD/PF Z 6000/5000/1000 +1500",
        ],
    ),
    matrix(
        "D.1.c D15 first replace refused after pending",
        "S42 rows 1-12",
        &[
            D,
            NEW,
            P1,
            "> G Y<X 8000",
            "< 8 PRP/PRP Y<X 10000/1000/9000",
            "< 8 TRD/PRP X 10000/1500/8500 +500",
            "< 9 PF Y<X",
            "< 8 TRD/PF X 10000/3500/6500 +2000",
            "> G Z<X 6000",
            "< 8 PRP/PRP Z<X 10000/3500/6500",
            "< 8 REP/PF Z<X 6000/3500/2500",
            "< 8 TRD/PF Z 6000/5000/1000 +1500",
        ],
    ),
    matrix(
        "D.2.b two replaces outstanding",
        "S52 rows 1-10, without those of the second request: E14 sends one at a time",
        &[
            D,
            NEW0,
            P1,
            "> G Y<X 8000",
            "> G Z<Y 7000 ! UNKNOWN_ORDER",
            "< 8 PRP/PRP Y<X 10000/1000/9000",
            "< 8 REP/PF Y<X 8000/1000/7000",
            "> G Z<Y 7000",
            "< 8 REP/PF Z<Y 7000/1000/6000",
            "< 8 TRD/FIL Z 7000/7000/0 +6000",
        ],
    ),
    matrix(
        "D.2.? D17 two replaces outstanding, second refused",
        "S43 no. 21 rows 1-9, without those of the second request: E14 sends one at a time",
        &[
            D,
            NEW0,
            P1,
            "> G Y<X 8000",
            "> G Z<Y 7000 ! UNKNOWN_ORDER",
            "< 8 PRP/PRP Y<X 10000/1000/9000",
            "< 8 REP/PF Y<X 8000/1000/7000",
            "< 8 TRD/PF Y 8000/3000/5000 +2000",
        ],
    ),
    matrix(
        "E.1.b D19 canceled by phone",
        "S51, S52, S42 rows 1-5",
        &[D, NEW, P1, "< 8 CXL/CXL X 10000/1000/0"],
    ),
    matrix(
        "E.1.c D20 increased by phone",
        "S52 rows 1-7",
        &[
            D,
            NEW,
            "< 8 RST/NEW X 11000/0/11000",
            "< 8 TRD/PF X 11000/1000/10000 +1000",
            "< 8 RST/PF X 12000/1000/11000",
        ],
    ),
    matrix(
        "F.1.b D31 possible resend and duplicate id",
        "S50, S42 rows 1-8",
        &[
            D,
            NEW0,
            "> D X 10000 ! DUP_ID",
            "< 8 STAT/NEW X 10000/0/10000",
            "> D X 20000 ! DUP_ID",
            "< 8 REJ/NEW X 10000/0/10000",
            "> D Y 15000",
            "< 8 NEW/NEW Y 15000/0/15000",
        ],
    ),
    matrix(
        "F.1.c D23 given by phone before",
        "S44, S42, S43 rows 1-3",
        &[D, "< 8 REJ/REJ X 10000/0/0"],
    ),
    matrix(
        "H.1.a D27 restated, fills next day",
        "S42 rows 1.1-2.2",
        &[D, NEW0, P2, DONE, RENEWED, "< 8 TRD/PF X 10000/3000/7000 +1000"],
    ),
    matrix(
        "H.1.c D29 restated, canceled next day",
        "S52, S42 rows 1.1-2.4",
        &[
            D,
            NEW0,
            P2,
            DONE,
            RENEWED,
            "> F Y<X",
            "< 8 PCX/PCX Y<X 10000/2000/8000 ~ 9 PF Y<X",
            "< 8 CXL/CXL Y<X 10000/2000/0 ~ 9 PF Y<X",
        ],
    ),
    matrix(
        "H.1.d D30 restated, increased next day",
        "S52, S42 rows 1.1-2.5",
        &[
            D,
            NEW0,
            P2,
            DONE,
            RENEWED,
            "> G Y<X 15000",
            "< 8 PRP/PRP Y<X 10000/2000/8000 ~ 9 PF Y<X",
            "< 8 TRD/PRP X 10000/3000/7000 +1000",
            "< 8 REP/PF Y<X 15000/3000/12000 ~ 9 PF Y<X",
        ],
    ),
    matrix(
        "J.1.a D34 filled, then bust, corrections, increase",
        "S42 rows 1-12; the increase of a filled order is not ours to ask for, and is put in",
        &[
            D,
            NEW0,
            "< 8 TRD/PF X 10000/1000/9000 +1000 px 100 avg 100 e=C",
            "< 8 TRD/FIL X 10000/10000/0 +9000 px 110 avg 109 e=D",
            "< 8 BUST/PF X 10000/9000/1000 avg 110 e=E(C)",
            "< 8 COR/PF X 10000/9000/1000 +9000 px 100 avg 100 e=F(D)",
            "< 8 TRD/FIL X 10000/10000/0 +1000 px 120 avg 102 e=G",
            "< 8 COR/FIL X 10000/10000/0 +9000 px 120 avg 120 e=H(F)",
            "> G Y<X 12000 ! UNKNOWN_ORDER",
            "* G Y<X 12000",
            "< 8 PRP/PRP Y<X 10000/10000/0 avg 120",
            "< 8 REP/PF Y<X 12000/10000/2000 avg 120",
            "< 8 COR/PF Y 12000/10500/1500 +9500 px 120 avg 120 e=K(H)",
        ],
    ),
    matrix(
        "J.1.b D35 bust and new fill after a cancel",
        "S52, S42 rows 1-8",
        &[
            D,
            NEW0,
            "< 8 TRD/PF X 10000/5000/5000 +5000 px 50 e=B",
            "> F Y<X",
            "< 8 PCX/PCX Y<X 10000/5000/5000",
            "< 8 CXL/CXL Y<X 10000/5000/0",
            "< 8 BUST/CXL X 10000/0/0 e=E(B)",
            "< 8 TRD/CXL X 10000/4000/0 +4000 px 51 avg 51 e=F",
        ],
    ),
    matrix(
        "J.1.c D36 two-day order, both fills corrected",
        "S51, S52, S42 rows 1.1-2.4",
        &[
            D,
            NEW0,
            "< 8 TRD/PF X 10000/2000/8000 +2000 e=B",
            DONE,
            RENEWED,
            "< 8 TRD/PF X 10000/3000/7000 +1000 e=E",
            "< 8 COR/PF X 10000/2500/7500 +1500 e=F(B)",
            "< 8 COR/PF X 10000/2000/8000 +500 e=G(E)",
        ],
    ),
    matrix(
        "J.1.d correct and bust after done for day",
        "S52 rows 1-6",
        &[
            D,
            NEW0,
            "< 8 TRD/PF X 10000/5000/5000 +5000 px 50 e=B",
            "< 8 DFD/DFD X 10000/5000/0",
            "< 8 COR/DFD X 10000/4000/0 +4000 px 50 e=D(B)",
            "< 8 BUST/DFD X 10000/0/0 e=E(D)",
        ],
    ),
    matrix(
        "L.1.a D37 guaranteed before execution",
        "S52 rows 1-4",
        &[D, NEW, "< 8 STP/STP X 10000/0/10000", "< 8 TRD/STP X 10000/1000/9000 +1000 px 50"],
    ),
];

/// Matrices whose title is known and whose rows could not be read.
pub(super) const MISSING: &[&str] = &[
    "B.1.d no. 6 cancel before acknowledgement",
    "D16 chained replaces handled strictly one by one",
    "D18 phoned order",
    "D21 quantity cut by the sell-side",
    "D22 as its own page (see F.1.b)",
    "D24 status request for an unknown order",
    "D25 nothing done",
    "D26 status requests through an order's life",
    "D28 two-for-one split of a good-till order",
    "D32 fill or kill",
    "D33 immediate or cancel",
    "good-till expiry",
    "K trading halt, suspended",
];
