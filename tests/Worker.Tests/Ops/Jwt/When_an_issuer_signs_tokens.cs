using System.Text;
using System.Text.Json.Nodes;
using LeadPipeline.Worker.Tests.Http;
using Microsoft.IdentityModel.Tokens;

namespace LeadPipeline.Worker.Tests.Ops.Jwt;

public sealed class When_an_issuer_signs_tokens
{
    private const string Secret = "a secret of the issuer, of more than 32 bytes";

    private static readonly SecurityKey SecretKey = new SymmetricSecurityKey(Encoding.UTF8.GetBytes(Secret));

    private TestIssuer issuer = null!;
    private SecurityKey rsa = null!, ec = null!, published = null!, weak = null!;
    private RunningService withKeys = null!, withSecret = null!;

    [OneTimeSetUp]
    public async Task StartAsync()
    {
        issuer = await TestIssuer.StartAsync();
        (rsa, ec, published, weak) = (issuer.AddRsa("rsa"), issuer.AddEc("ec"), issuer.AddSecret("secret"), issuer.AddRsa("weak", 1024));
        withKeys = await RunningService.StartAsync([("Auth:Issuer", TestIssuer.Name), ("Auth:Audience", TestIssuer.Audience), ("Auth:JwksUri", issuer.JwksUri.ToString()), .. RunningService.Token(0, "static", "user")]);
        withSecret = await RunningService.StartAsync(("Auth:Issuer", TestIssuer.Name), ("Auth:Audience", TestIssuer.Audience), ("Auth:SigningKey", Secret), ("Auth:RoleClaim", "https://example.com/roles"), ("Auth:ScopeClaim", "scp"));
    }

    [OneTimeTearDown]
    public async Task StopAsync()
    {
        await withKeys.DisposeAsync();
        await withSecret.DisposeAsync();
        await issuer.DisposeAsync();
    }

    [Test]
    public async Task Should_know_whom_a_published_key_vouches_for()
    {
        string[] tokens = [TestIssuer.Token(rsa, "RS256"), TestIssuer.Token(rsa, "PS256"), TestIssuer.Token(ec, "ES256"), "static"];

        foreach (var token in tokens)
            Assert.That((await withKeys.CallAsync("GET", "/leads", token, far: true)).Status, Is.EqualTo(200));
    }

    [TestCase("role", "\"user\"", 200)]
    [TestCase("role", "[\"manager\",\"user\"]", 200)]
    [TestCase("role", "\"admin\"", 200)]
    [TestCase("role", "\"operator\"", 403)]
    [TestCase("role", "[]", 403)]
    [TestCase("role", "\"root\"", 403)]
    [TestCase("role", "{\"user\":true}", 403)]
    [TestCase("role", null, 403)]
    [TestCase("sub", null, 401)]
    [TestCase("sub", "\"\"", 401)]
    [TestCase("iss", "\"https://other.example/\"", 401)]
    [TestCase("iss", null, 401)]
    [TestCase("aud", "[\"others\",\"leadpipeline\"]", 200)]
    [TestCase("aud", "\"others\"", 401)]
    [TestCase("aud", null, 401)]
    [TestCase("exp", null, 401)]
    public async Task Should_believe_what_a_token_says_only_if_it_is_meant_for_us(string claim, string? json, int status)
    {
        var token = TestIssuer.Token(rsa, "RS256", claims =>
        {
            if (json is null)
                claims.Remove(claim);
            else
                claims[claim] = JsonNode.Parse(json);
        });

        Assert.That((await withKeys.CallAsync("GET", "/leads", token)).Status, Is.EqualTo(status));
    }

    [TestCase("exp", -30, 200)]
    [TestCase("exp", -90, 401)]
    [TestCase("nbf", 30, 200)]
    [TestCase("nbf", 90, 401)]
    public async Task Should_forgive_a_clock_that_is_a_minute_off_and_no_more(string claim, int seconds, int status)
    {
        var token = TestIssuer.Token(rsa, "RS256", c => c[claim] = DateTimeOffset.UtcNow.AddSeconds(seconds).ToUnixTimeSeconds());

        Assert.That((await withKeys.CallAsync("GET", "/leads", token)).Status, Is.EqualTo(status));
    }

    [Test]
    public async Task Should_not_let_a_token_choose_how_it_is_read()
    {
        var good = TestIssuer.Token(rsa, "RS256");
        var (body, signature) = (good.Split('.')[1], good.Split('.')[2]);
        var modulus = new SymmetricSecurityKey(((RsaSecurityKey)rsa).Rsa.ExportSubjectPublicKeyInfo()) { KeyId = "rsa" };
        Dictionary<string, string> forged = new()
        {
            ["unsigned"] = $"{Header("none")}.{body}.",
            ["unsigned, in capitals"] = $"{Header("NONE")}.{body}.",
            ["signed with the public key as a secret"] = TestIssuer.Token(modulus, "HS256"),
            ["signed with a secret that was published"] = TestIssuer.Token(published, "HS256"),
            ["another key under this name"] = TestIssuer.Token(new RsaSecurityKey(System.Security.Cryptography.RSA.Create(2048)) { KeyId = "rsa" }, "RS256"),
            ["a key that is too short"] = TestIssuer.Token(weak, "RS256"),
            ["one key's signature under another's name"] = $"{Header("RS256", "ec")}.{body}.{signature}",
            ["with an extension that must be understood"] = $"{Base64UrlEncoder.Encode("""{"alg":"RS256","kid":"rsa","crit":["b64"],"b64":false}""")}.{body}.{signature}",
            ["cut short"] = good[..^5],
            ["without a signature"] = good[..good.LastIndexOf('.')],
            ["not base64"] = $"{Header("RS256", "rsa")}.!!!.{signature}",
            ["dots"] = "..",
        };

        foreach (var (how, token) in forged)
            Assert.That((await withKeys.CallAsync("GET", "/leads", token)).Status, Is.EqualTo(401), how);
    }

    [Test]
    public async Task Should_read_a_secrets_tokens_and_the_claims_that_are_configured()
    {
        void Claims(JsonObject claims)
        {
            claims["https://example.com/roles"] = new JsonArray("user");
            claims["scp"] = "leads:write";
        }

        var reading = await withSecret.CallAsync("GET", "/leads", TestIssuer.Token(SecretKey, "HS256", Claims), far: true);
        var posting = await withSecret.CallAsync("POST", "/leads", TestIssuer.Token(SecretKey, "HS256", Claims), far: true, """{"email":"someone@acme.example"}""");
        var usual = await withSecret.CallAsync("POST", "/leads", TestIssuer.Token(SecretKey, "HS256", c => c["scope"] = "leads:write"), far: true, """{"email":"someone@acme.example"}""");
        var otherAlgorithm = await withSecret.CallAsync("GET", "/leads", TestIssuer.Token(new SymmetricSecurityKey([.. ((SymmetricSecurityKey)SecretKey).Key, .. new byte[64]]), "HS512", Claims));
        var otherKind = await withSecret.CallAsync("GET", "/leads", TestIssuer.Token(rsa, "RS256", Claims));

        Assert.That(new[] { reading.Status, posting.Status, usual.Status, otherAlgorithm.Status, otherKind.Status }, Is.EqualTo(new[] { 200, 202, 403, 401, 401 }));
    }

    [Test]
    public void Should_make_no_console_token_where_somebody_can_be_told_apart()
    {
        Assert.That(File.Exists(Path.Combine(withSecret.DataFolder, "console-token")), Is.False);
    }

    [Test]
    public async Task Should_start_without_the_issuer_and_ask_those_with_its_tokens_to_come_again()
    {
        await using var away = await TestIssuer.StartAsync();
        var key = away.AddRsa("rsa");
        away.Mood = IssuerMood.Fails;
        await using var service = await RunningService.StartAsync([("Auth:Issuer", TestIssuer.Name), ("Auth:Audience", TestIssuer.Audience), ("Auth:JwksUri", away.JwksUri.ToString()), .. RunningService.Token(0, "static", "user")]);

        var known = await service.CallAsync("GET", "/leads", TestIssuer.Token(key, "RS256"));
        var posted = await service.CallAsync("POST", "/leads", TestIssuer.Token(key, "RS256"), body: """{"email":"someone@acme.example"}""");
        var guessed = await service.CallAsync("GET", "/leads", "guessed");
        var anonymous = await service.CallAsync("GET", "/health/live", TestIssuer.Token(key, "RS256"));
        var other = await service.CallAsync("GET", "/leads", "static");

        using (Assert.EnterMultipleScope())
        {
            Assert.That((known.Status, known.Code, known.Headers["Retry-After"]), Is.EqualTo((503, "keys-unavailable", "5")));
            Assert.That((posted.Status, guessed.Status, anonymous.Status, other.Status), Is.EqualTo((503, 401, 200, 200)));
        }
    }

    private static string Header(string algorithm, string? kid = null) => Base64UrlEncoder.Encode(kid is null ? $$"""{"alg":"{{algorithm}}"}""" : $$"""{"alg":"{{algorithm}}","kid":"{{kid}}"}""");
}
