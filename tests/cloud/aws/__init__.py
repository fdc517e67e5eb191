"""AWS in front of moto: what a request asks for, who may ask it, and the mends where moto differs from AWS."""
