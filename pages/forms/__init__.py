"""Forms made from request dataclasses, and the choices that several forms share."""
