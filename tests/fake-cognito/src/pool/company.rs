//! Departments and offices of the company that the generated pools belong to.

/// Departments of the generated company.
pub(crate) const DEPARTMENTS: [&str; 14] = [
    "Engineering",
    "Sales",
    "Finance",
    "Support",
    "Vertrieb",
    "Qualitätssicherung",
    "Recherche & Développement",
    "営業部",
    "開発部",
    "المبيعات",
    "Бухгалтерия",
    "Legal",
    "Human Resources",
    "Operations",
];

/// Places where it has offices.
pub(crate) const OFFICES: [&str; 8] = [
    "Berlin",
    "München",
    "東京",
    "القاهرة",
    "Boston",
    "São-Paulo",
    "Αθήνα",
    "Lyon",
];
