"""`rpc.auth.v1.verify`: tells a gateway whose token it was handed on a living channel. Only signaling has the keys."""

from dataclasses import dataclass

from access.errors import AccessError
from access.interface import Verifier
from bus.errors import Refusal
from contracts.gateway import TokenVerified, VerifyToken
from contracts.message import ErrorCode, Problem


@dataclass(frozen=True)
class TokenVerification:
    """`verifier` is None where nobody is asked for a token."""

    verifier: Verifier | None

    async def verify(self, request: VerifyToken) -> TokenVerified:
        """Raises Refusal: `unauthorised` for a token that will not do, `unavailable` where that cannot be said now."""
        if self.verifier is None:
            detail = "no token is asked for here, so none needs to be renewed"
            raise Refusal(Problem(code=ErrorCode.UNSUPPORTED, detail=detail))
        try:
            identity = await self.verifier.verify(request.token)
        except AccessError as error:
            raise Refusal(error.problem) from error
        return TokenVerified(owner=identity.owner, expires_at=identity.expires_at)
