using System.Security.Cryptography;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;

namespace LeadPipeline.Worker.Tests.Ops.Jwt;

/// <summary>How the issuer answers when it is asked for its keys.</summary>
internal enum IssuerMood
{
    Answers,
    Fails,
    NeverAnswers,
    SendsElsewhere,
    TalksNonsense,
    HasNoKeys,
}

/// <summary>An issuer of tokens that publishes its keys over real HTTP.</summary>
internal sealed class TestIssuer : IAsyncDisposable
{
    public const string Name = "https://issuer.example/", Audience = "leadpipeline";

    private readonly WebApplication app;
    private readonly Dictionary<string, SecurityKey> keys = [];
    private int asked;

    private TestIssuer(WebApplication app) => this.app = app;

    public Uri JwksUri => new(app.Urls.First() + "/keys");

    public IssuerMood Mood { get; set; }

    /// <summary>How often somebody asked for the keys.</summary>
    public int Asked => Volatile.Read(ref asked);

    /// <summary>Completes when somebody asks.</summary>
    public TaskCompletionSource SomebodyAsked { get; private set; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public static async Task<TestIssuer> StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var app = builder.Build();
        var issuer = new TestIssuer(app);
        app.Run(issuer.AnswerAsync);
        await app.StartAsync();
        return issuer;
    }

    /// <summary>Makes a key and publishes it.</summary>
    public SecurityKey AddRsa(string kid, int bits = 2048) => keys[kid] = new RsaSecurityKey(RSA.Create(bits)) { KeyId = kid };

    /// <summary>Makes a key and publishes it.</summary>
    public SecurityKey AddEc(string kid) => keys[kid] = new ECDsaSecurityKey(ECDsa.Create(ECCurve.NamedCurves.nistP256)) { KeyId = kid };

    /// <summary>Publishes a secret, which no issuer should do.</summary>
    public SecurityKey AddSecret(string kid) => keys[kid] = new SymmetricSecurityKey(RandomNumberGenerator.GetBytes(32)) { KeyId = kid };

    public void Remove(string kid) => keys.Remove(kid);

    /// <summary>A token.</summary>
    /// <param name="key">What signs it.</param>
    /// <param name="algorithm">And how.</param>
    /// <param name="change">Changes the claims; by default a reader named alice for five minutes.</param>
    public static string Token(SecurityKey key, string algorithm, Action<JsonObject>? change = null)
    {
        var now = DateTimeOffset.UtcNow;
        var claims = new JsonObject { ["iss"] = Name, ["aud"] = Audience, ["sub"] = "alice", ["role"] = "user", ["nbf"] = now.ToUnixTimeSeconds(), ["exp"] = now.AddMinutes(5).ToUnixTimeSeconds() };
        change?.Invoke(claims);
        return new JsonWebTokenHandler { SetDefaultTimesOnTokenCreation = false }.CreateToken(claims.ToJsonString(), new SigningCredentials(key, algorithm));
    }

    public ValueTask DisposeAsync() => app.DisposeAsync();

    private async Task AnswerAsync(HttpContext context)
    {
        Interlocked.Increment(ref asked);
        SomebodyAsked.TrySetResult();
        switch (Mood)
        {
            case IssuerMood.Fails:
                context.Response.StatusCode = 500;
                return;
            case IssuerMood.NeverAnswers:
                await Task.Delay(Timeout.Infinite, context.RequestAborted).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                return;
            case IssuerMood.SendsElsewhere when context.Request.Path == "/keys":
                context.Response.Redirect("/elsewhere");
                return;
            case IssuerMood.TalksNonsense:
                await context.Response.WriteAsync("<html>sign in</html>");
                return;
            default:
                await context.Response.WriteAsync(new JsonObject { ["keys"] = new JsonArray(Mood == IssuerMood.HasNoKeys ? [] : [.. keys.Values.Select(Published)]) }.ToJsonString());
                return;
        }
    }

    private static JsonNode Published(SecurityKey key) => key switch
    {
        RsaSecurityKey rsa => new JsonObject { ["kty"] = "RSA", ["use"] = "sig", ["kid"] = key.KeyId, ["n"] = Base64UrlEncoder.Encode(rsa.Rsa.ExportParameters(false).Modulus), ["e"] = Base64UrlEncoder.Encode(rsa.Rsa.ExportParameters(false).Exponent) },
        ECDsaSecurityKey ec => new JsonObject { ["kty"] = "EC", ["crv"] = "P-256", ["kid"] = key.KeyId, ["x"] = Base64UrlEncoder.Encode(ec.ECDsa.ExportParameters(false).Q.X), ["y"] = Base64UrlEncoder.Encode(ec.ECDsa.ExportParameters(false).Q.Y) },
        SymmetricSecurityKey secret => new JsonObject { ["kty"] = "oct", ["kid"] = key.KeyId, ["k"] = Base64UrlEncoder.Encode(secret.Key) },
        _ => throw new NotSupportedException(),
    };
}
