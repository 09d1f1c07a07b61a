using System.Security.Claims;
using System.Text;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authentication.JwtBearer;
using Microsoft.Extensions.Options;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;

namespace LeadPipeline.Worker.Ops.Jwt;

/// <summary>Tokens of an issuer.</summary>
public static class JwtRegistration
{
    /// <summary>The scheme's name; <see cref="BearerHandler"/> hands over to it what is no static token.</summary>
    public const string Scheme = "Jwt";

    private const int MaxKeySetBytes = 1_000_000;

    /// <summary>Adds them.</summary>
    public static void AddIssuer(this AuthenticationBuilder authentication)
    {
        authentication.AddJwtBearer(Scheme, _ => { });
        authentication.Services.AddSingleton(Keys);
        authentication.Services.AddOptions<JwtBearerOptions>(Scheme).Configure<IOptions<AuthOptions>, TimeProvider, IServiceProvider>(Configure);
    }

    private static void Configure(JwtBearerOptions jwt, IOptions<AuthOptions> options, TimeProvider time, IServiceProvider services)
    {
        var auth = options.Value;
        jwt.MapInboundClaims = false;
        jwt.SaveToken = false;
        jwt.TokenValidationParameters = new TokenValidationParameters
        {
            ValidIssuer = auth.Issuer,
            ValidAudience = auth.Audience,
            RequireSignedTokens = true,
            RequireExpirationTime = true,
            LifetimeValidator = (from, to, _, _) => TokenRules.Holds(from, to, time.GetUtcNow()),
        };
        jwt.Events = new JwtBearerEvents { OnTokenValidated = context => Identify(context, auth) };
        if (!string.IsNullOrEmpty(auth.SigningKey))
        {
            jwt.TokenValidationParameters.ValidAlgorithms = TokenRules.SecretAlgorithms;
            jwt.TokenValidationParameters.IssuerSigningKey = new SymmetricSecurityKey(Encoding.UTF8.GetBytes(auth.SigningKey));
            return;
        }
        var keys = services.GetRequiredService<IssuerKeys>();
        jwt.TokenValidationParameters.ValidAlgorithms = TokenRules.PublishedAlgorithms;
        jwt.TokenValidationParameters.IssuerSigningKeyResolver = (_, token, _, _) => token is JsonWebToken read ? TokenRules.KeysFor(read, keys.Known) : [];
        jwt.Events.OnMessageReceived = context => PrepareAsync(context, keys);
    }

    /// <summary>Fetching is asynchronous and checking is not: so the keys are seen to before the token is looked at.</summary>
    private static async Task PrepareAsync(MessageReceivedContext context, IssuerKeys keys)
    {
        context.Token = BearerHandler.Token(context.Request);
        // What cannot be read, or names an algorithm that is not taken, is refused without asking the issuer.
        if (Read(context.Token) is { } token && TokenRules.PublishedAlgorithms.Contains(token.Alg) && !await keys.TryPrepareAsync(token.Kid, context.HttpContext.RequestAborted))
            context.Fail(new IssuerKeysUnavailableException());
    }

    private static JsonWebToken? Read(string? token)
    {
        try
        {
            return string.IsNullOrEmpty(token) ? null : new JsonWebToken(token);
        }
        catch (Exception exception) when (exception is ArgumentException or SecurityTokenException)
        {
            return null;
        }
    }

    private static Task Identify(TokenValidatedContext context, AuthOptions auth)
    {
        if (context.Principal is { } principal && JwtIdentity.From([.. principal.Claims], auth.RoleClaim, auth.ScopeClaim) is { } identity)
            context.Principal = new ClaimsPrincipal(identity);
        else
            context.Fail("The token does not say whom it stands for (sub).");
        return Task.CompletedTask;
    }

    private static IssuerKeys Keys(IServiceProvider services)
    {
        // A redirect could lead from https to anywhere; the address that is configured is the one that is trusted.
        var handler = new SocketsHttpHandler { AllowAutoRedirect = false, PooledConnectionLifetime = TimeSpan.FromMinutes(5) };
        var http = new HttpClient(handler) { MaxResponseContentBufferSize = MaxKeySetBytes, Timeout = Timeout.InfiniteTimeSpan };
        return new IssuerKeys(http, new Uri(services.GetRequiredService<IOptions<AuthOptions>>().Value.JwksUri!), services.GetRequiredService<TimeProvider>(), services.GetRequiredService<ILogger<IssuerKeys>>());
    }
}
