using System.Security.Claims;
using System.Text.Encodings.Web;
using LeadPipeline.Worker.Ops.Jwt;
using Microsoft.AspNetCore.Authentication;
using Microsoft.Extensions.Options;

namespace LeadPipeline.Worker.Ops;

/// <summary>Reads <c>Authorization: Bearer …</c>: a static token first, else a token of the issuer if there is one.</summary>
public sealed class BearerHandler(IOptionsMonitor<AuthenticationSchemeOptions> options, ILoggerFactory logger, UrlEncoder encoder, BearerTokens tokens, IOptions<AuthOptions> auth)
    : AuthenticationHandler<AuthenticationSchemeOptions>(options, logger, encoder)
{
    /// <summary>The scheme's name.</summary>
    public new const string Scheme = "Bearer";

    /// <summary>The token that a request shows; null when it shows none.</summary>
    public static string? Token(HttpRequest request)
    {
        var header = request.Headers.Authorization.ToString();
        return header.StartsWith("Bearer ", StringComparison.OrdinalIgnoreCase) ? header["Bearer ".Length..].Trim() : null;
    }

    /// <inheritdoc/>
    protected override async Task<AuthenticateResult> HandleAuthenticateAsync()
    {
        if (Token(Request) is not { } token)
            return AuthenticateResult.NoResult();
        if (tokens.Identify(token) is { } identity)
            return AuthenticateResult.Success(new AuthenticationTicket(new ClaimsPrincipal(identity), Scheme));
        return auth.Value.HasIssuerKey ? await Context.AuthenticateAsync(JwtRegistration.Scheme) : AuthenticateResult.Fail("The token is not known.");
    }

    /// <inheritdoc/>
    protected override async Task HandleChallengeAsync(AuthenticationProperties properties)
    {
        var result = await HandleAuthenticateOnceSafeAsync();
        if (result.Failure is IssuerKeysUnavailableException)
        {
            // The token may well be good: the caller should try again, not sign in again.
            Response.Headers.RetryAfter = "5";
            await Problems.Of(503, "keys-unavailable", "The keys to check this token cannot be fetched from its issuer now; try again after a while.").ExecuteAsync(Context);
            return;
        }
        Response.StatusCode = 401;
        Response.Headers.WWWAuthenticate = Token(Request) is null ? "Bearer" : "Bearer error=\"invalid_token\"";
    }

    /// <inheritdoc/>
    protected override Task HandleForbiddenAsync(AuthenticationProperties properties)
    {
        Response.StatusCode = 403;
        Response.Headers.WWWAuthenticate = "Bearer error=\"insufficient_scope\"";
        return Task.CompletedTask;
    }
}
