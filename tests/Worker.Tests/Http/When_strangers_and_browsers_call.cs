using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using LeadPipeline.Worker.Cli;
using LeadPipeline.Worker.Hosting;
using LeadPipeline.Worker.Ops;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace LeadPipeline.Worker.Tests.Http;

/// <summary>The service as it is with nothing configured: on loopback, with the console token.</summary>
public sealed class When_strangers_and_browsers_call
{
    private const string Lead = """{"email":"someone@acme.example"}""";

    private RunningService service = null!;

    [OneTimeSetUp]
    public async Task StartAsync()
    {
        service = await RunningService.StartAsync(("Http:AllowedHosts:0", "leads.example.com"));
        // What nobody expects, at an address of its own: only a fault of ours could show it otherwise.
        service.App.MapGet("/test/fault", IResult () => throw new InvalidOperationException("secret text"));
        service.App.MapPost("/test/form", () => Results.Text("read", "text/html"));
    }

    [OneTimeTearDown]
    public async Task StopAsync() => await service.DisposeAsync();

    [TestCase("GET", "/health/live")]
    [TestCase("GET", "/leads")]
    [TestCase("GET", "/nowhere")]
    [TestCase("POST", "/leads")]
    [TestCase("GET", "/test/fault")]
    public async Task Should_tell_browsers_to_keep_their_hands_off(string method, string path)
    {
        var answer = await service.CallAsync(method, path);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(answer.Headers["X-Content-Type-Options"], Is.EqualTo("nosniff"));
            Assert.That(answer.Headers["Cache-Control"], Does.Contain("no-store"));
            Assert.That(answer.Headers["Referrer-Policy"], Is.EqualTo("no-referrer"));
            Assert.That(answer.Headers["Content-Security-Policy"], Is.EqualTo("default-src 'none'; frame-ancestors 'none'"));
            Assert.That(answer.Headers.Keys, Has.None.EqualTo("Server").IgnoreCase.And.None.StartsWith("Access-Control-").IgnoreCase.And.None.EqualTo("Strict-Transport-Security").IgnoreCase);
        }
    }

    [TestCase("GET", "/nowhere", 404, "not-found")]
    [TestCase("PUT", "/leads", 405, "method-not-allowed")]
    [TestCase("DELETE", "/health/live", 405, "method-not-allowed")]
    [TestCase("OPTIONS", "/leads", 405, "method-not-allowed")]
    [TestCase("GET", "/leads", 401, "unauthorized")]
    [TestCase("POST", "/leads", 415, "unsupported-media-type")]
    [TestCase("GET", "/test/fault", 500, "failed")]
    public async Task Should_refuse_in_one_form_and_tell_nothing_of_the_inside(string method, string path, int status, string code)
    {
        var answer = await service.CallAsync(method, path);

        using (Assert.EnterMultipleScope())
        {
            Assert.That((answer.Status, answer.Code), Is.EqualTo((status, code)));
            Assert.That(answer.Json["status"]!.GetValue<int>(), Is.EqualTo(status));
            Assert.That(answer.Body, Does.Not.Contain("secret").And.Not.Contain("Exception"));
        }
    }

    [TestCase("127.0.0.1:8080", 202)]
    [TestCase("localhost", 202)]
    [TestCase("[::1]:8080", 202)]
    [TestCase("leads.example.com", 202)]
    [TestCase("rebound.attacker.example", 421)]
    [TestCase("127.0.0.1.attacker.example", 421)]
    [TestCase("203.0.113.9", 421)]
    public async Task Should_answer_to_its_own_names_only(string host, int status)
    {
        var answer = await service.CallAsync("POST", "/leads", body: Lead, headers: [("Host", host)]);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(answer.Status, Is.EqualTo(status));
            Assert.That(answer.Code, Is.EqualTo(status == 421 ? "misdirected" : null));
        }
    }

    [TestCase("Origin", "https://attacker.example", 403)]
    [TestCase("Origin", "null", 403)]
    [TestCase("Origin", "http://localhost:3000", 403)]
    [TestCase("Sec-Fetch-Site", "cross-site", 403)]
    [TestCase("Sec-Fetch-Site", "same-site", 403)]
    [TestCase("Sec-Fetch-Site", "same-origin", 202)]
    [TestCase("Origin", "{own}", 202)]
    public async Task Should_refuse_what_another_sites_page_sends(string header, string value, int status)
    {
        var own = service.Client.BaseAddress!.GetLeftPart(UriPartial.Authority);

        var answer = await service.CallAsync("POST", "/leads", body: Lead, headers: [(header, value.Replace("{own}", own, StringComparison.Ordinal))]);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(answer.Status, Is.EqualTo(status));
            Assert.That(answer.Code, Is.EqualTo(status == 403 ? "cross-site" : null));
        }
    }

    [Test]
    public async Task Should_not_mind_where_a_call_with_a_token_comes_from()
    {
        var token = service.App.Services.GetRequiredService<BearerTokens>().ConsoleToken;

        var answer = await service.CallAsync("POST", "/leads", token, far: true, Lead, headers: [("Origin", "https://partner.example")]);

        Assert.That(answer.Status, Is.EqualTo(202));
    }

    [TestCase("Forwarded", "for=203.0.113.7")]
    [TestCase("X-Forwarded-For", "127.0.0.1")]
    [TestCase("X-Real-IP", "203.0.113.7")]
    [TestCase("X-Original-For", "203.0.113.7")]
    public async Task Should_not_take_a_proxy_on_this_machine_for_its_callers(string header, string value)
    {
        var answer = await service.CallAsync("POST", "/leads", body: Lead, headers: [(header, value)]);

        Assert.That(answer.Status, Is.EqualTo(401));
    }

    [Test]
    public async Task Should_not_read_endless_headers()
    {
        var long_ = await service.CallAsync("GET", "/health/live", headers: [("X-Long", new string('x', 17_000))]);
        var many = await service.CallAsync("GET", "/health/live", headers: [.. Enumerable.Range(0, 70).Select(i => ($"X-Many-{i}", "x"))]);

        Assert.That((long_.Status, many.Status), Is.EqualTo((431, 431)));
    }

    [Test]
    public void Should_not_wait_for_slow_senders()
    {
        var limits = service.App.Services.GetRequiredService<IOptions<KestrelServerOptions>>().Value.Limits;

        using (Assert.EnterMultipleScope())
        {
            Assert.That(limits.RequestHeadersTimeout, Is.LessThanOrEqualTo(TimeSpan.FromSeconds(10)));
            Assert.That(limits.MinRequestBodyDataRate!.BytesPerSecond, Is.GreaterThanOrEqualTo(240));
            Assert.That(limits.MaxConcurrentConnections, Is.EqualTo(2_000));
        }
    }

    [Test]
    public void Should_make_a_token_that_only_its_owner_can_read()
    {
        var path = Path.Combine(service.DataFolder, "console-token");

        using (Assert.EnterMultipleScope())
        {
            Assert.That(service.App.Services.GetRequiredService<BearerTokens>().ConsoleToken, Has.Length.EqualTo(48).And.EqualTo(File.ReadAllText(path)));
            if (!OperatingSystem.IsWindows())
                Assert.That(File.GetUnixFileMode(path), Is.EqualTo(UnixFileMode.UserRead | UnixFileMode.UserWrite));
        }
    }

    [Test]
    public void Should_open_the_console_with_a_link_whose_token_no_log_sees()
    {
        var line = RunCommand.Welcome("http://127.0.0.1:8080/", "abc", console: true);

        Assert.That(line, Does.Contain("http://127.0.0.1:8080/ops#token=abc"));
    }

    [Test]
    public async Task Should_promise_browsers_https_where_it_is_served_so()
    {
        using var folder = new TestKit.TempFolder();
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var certificate = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256).CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        File.WriteAllBytes(folder["certificate.pfx"], certificate.Export(X509ContentType.Pfx, "password"));
        await using var secure = await RunningService.StartAsync(
            ("Kestrel:Endpoints:Secure:Url", "https://127.0.0.1:0"), ("Kestrel:Endpoints:Secure:Certificate:Path", folder["certificate.pfx"]), ("Kestrel:Endpoints:Secure:Certificate:Password", "password"));
        using var trusting = new HttpClient(new HttpClientHandler { ServerCertificateCustomValidationCallback = (_, shown, _, _) => shown!.Thumbprint == certificate.Thumbprint });

        using var answer = await trusting.GetAsync(new Uri(secure.Client.BaseAddress!, "/health/live"));

        Assert.That(answer.Headers.GetValues("Strict-Transport-Security").Single(), Is.EqualTo("max-age=31536000"));
    }

    [TestCase("Http:Url", "http://0.0.0.0:8080")]
    [TestCase("Http:Url", "http://*:8080")]
    [TestCase("Http:Url", "http://127.0.0.1:8080;http://leads.example.com:8080")]
    [TestCase("Kestrel:Endpoints:Open:Url", "http://[::]:8080")]
    public void Should_not_listen_to_other_machines_while_nobody_can_be_told_apart(string key, string url)
    {
        using var folder = new TestKit.TempFolder();

        Assert.That(() => WorkerApplication.Service(new Dictionary<string, string?> { [key] = url, ["Data:Directory"] = folder.Path }, []),
            Throws.TypeOf<ConfigurationException>().With.Message.Contains("reachable from other machines"));
    }

    [Test]
    public async Task Should_limit_posts_of_each_caller_and_tell_them_how_much_is_left()
    {
        await using var limited = await RunningService.StartAsync([("Intake:RateLimitPerMinute", "2"), .. RunningService.Token(0, "writer", "user", "leads:write"), .. RunningService.Token(1, "other", "user", "leads:write")]);

        // Three posts within a minute; should the clock's minute end among them, three more will not.
        var answers = new List<Answer>();
        do
        {
            answers.Clear();
            for (var i = 0; i < 3; i++)
                answers.Add(await limited.CallAsync("POST", "/leads", "writer", far: true, Lead));
        }
        while (answers.Select(a => a.Headers["X-RateLimit-Reset"]).Distinct().Count() > 1);
        var other = await limited.CallAsync("POST", "/leads", "other", far: true, Lead);
        var near = await limited.CallAsync("POST", "/leads", "writer", body: Lead);
        var metrics = (await limited.CallAsync("GET", "/metrics")).Body;

        using (Assert.EnterMultipleScope())
        {
            Assert.That(answers[^1].Status, Is.EqualTo(429));
            Assert.That(answers[^1].Code, Is.EqualTo("rate-limited"));
            Assert.That(answers[^1].Headers["X-RateLimit-Limit"], Is.EqualTo("2"));
            Assert.That(answers[^1].Headers["X-RateLimit-Remaining"], Is.EqualTo("0"));
            Assert.That(int.Parse(answers[^1].Headers["Retry-After"]), Is.InRange(1, 60));
            Assert.That((other.Status, other.Headers["X-RateLimit-Remaining"]), Is.EqualTo((202, "1")));
            Assert.That((near.Status, near.Headers.ContainsKey("X-RateLimit-Limit")), Is.EqualTo((202, false)));
            Assert.That(metrics, Does.Match("mcp_rate_limit_violations_total\\{limit_type=\"door\"\\} [1-9]"));
        }
    }

    [Test]
    public async Task Should_answer_clients_too_old_to_name_a_host()
    {
        using var socket = new TcpClient();
        await socket.ConnectAsync(IPAddress.Loopback, service.Client.BaseAddress!.Port);
        await socket.GetStream().WriteAsync("GET /health/live HTTP/1.0\r\n\r\n"u8.ToArray());

        using var reader = new StreamReader(socket.GetStream(), Encoding.ASCII);

        Assert.That(await reader.ReadLineAsync(), Does.Contain(" 200 "));
    }
}
