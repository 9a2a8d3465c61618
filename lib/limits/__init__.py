"""Price limits: the dated rules of the exchanges, prices in integer ticks, and which limit was in force on a day."""
