using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using LeadPipeline.Contracts;
using LeadPipeline.TestKit;
using LeadPipeline.Worker.Hosting;
using LeadPipeline.Worker.Storage;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace LeadPipeline.Worker.Tests.Doors;

/// <summary>The service in this process, on a port of its own, with every door configured; one for all tests of this folder.</summary>
[SetUpFixture]
public sealed class DoorService
{
    public const string Whsec = "whsec_bGVhZHBpcGVsaW5lLWV4YW1wbGUtc2VjcmV0LTE=", NextWhsec = "whsec_bGVhZHBpcGVsaW5lLWV4YW1wbGUtc2VjcmV0LTI=", Secret = "example-secret";

    private static TempFolder folder = null!;
    private static WebApplication app = null!;
    private static WebApplication vendor = null!;

    public static HttpClient Client { get; private set; } = null!;

    public static Uri Address => Client.BaseAddress!;

    /// <summary>What the Graph API answers, by lead id.</summary>
    public static Func<string, (int Status, string Body)> Graph { get; set; } = _ => (404, "{}");

    [OneTimeSetUp]
    public async Task Start()
    {
        folder = new TempFolder();
        // The example of the documentation, so that it is known to work.
        folder.Write("partner.yaml", IntakeDocument.Blocks("yaml").Single());
        vendor = await VendorAsync();
        var settings = new Dictionary<string, string?>
        {
            ["Http:Url"] = "http://127.0.0.1:0",
            ["Data:Directory"] = folder["data"],
            ["Webhooks:standard:Secrets:0"] = Whsec,
            ["Webhooks:standard:Secrets:1"] = NextWhsec,
            ["Webhooks:meta:Secrets:0"] = Secret,
            ["Webhooks:meta:VerifyToken"] = "example-verify-token",
            ["Webhooks:meta:AccessToken"] = "graph-token",
            ["Webhooks:meta:ApiUrl"] = vendor.Urls.Single(),
            ["Webhooks:google_ads:Secrets:0"] = "example-google-key",
            ["Webhooks:hubspot:PublicUrl"] = "https://leads.example.com/",
            ["Webhooks:partner:Mapping"] = folder["partner.yaml"],
            ["Webhooks:partner:Secrets:0"] = Secret,
            ["Webhooks:calendly:Trusted"] = "true",
            ["Forms:contact:RedirectUrl"] = "/thanks.html",
            ["Forms:contact:AllowedOrigins:0"] = "https://www.example.com",
            ["Forms:fair:Honeypot"] = "url2",
        };
        foreach (var name in new[] { "hubspot", "typeform", "calendly", "webflow", "marketo" })
            settings[$"Webhooks:{name}:Secrets:0"] = Secret;
        app = WorkerApplication.Service(settings, []);
        await app.StartAsync();
        Client = new HttpClient(new HttpClientHandler { AllowAutoRedirect = false }) { BaseAddress = new Uri(app.Urls.Single()) };
    }

    [OneTimeTearDown]
    public async Task Stop()
    {
        Client.Dispose();
        await app.StopAsync();
        await app.DisposeAsync();
        await vendor.StopAsync();
        await vendor.DisposeAsync();
        folder.Dispose();
    }

    public static async Task<HttpResponseMessage> PostAsync(string path, string body, string contentType = "application/json", params (string Name, string Value)[] headers) =>
        await PostAsync(path, Encoding.UTF8.GetBytes(body), contentType, headers);

    public static async Task<HttpResponseMessage> PostAsync(string path, byte[] body, string contentType, params (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = new ByteArrayContent(body) };
        request.Content.Headers.TryAddWithoutValidation("Content-Type", contentType);
        foreach (var (name, value) in headers)
        {
            if (!request.Headers.TryAddWithoutValidation(name, value))
                request.Content.Headers.TryAddWithoutValidation(name, value);
        }
        return await Client.SendAsync(request);
    }

    public static async Task<JsonObject> JsonAsync(HttpResponseMessage response) => JsonNode.Parse(await response.Content.ReadAsStringAsync())!.AsObject();

    /// <summary>The lead that an answer speaks of, as it was stored.</summary>
    public static async Task<Lead> LeadAsync(HttpResponseMessage response) => (await StoredAsync(Guid.Parse((await JsonAsync(response))["leadId"]!.GetValue<string>())))!;

    public static async Task<Lead?> StoredAsync(Guid id) => (await app.Services.GetRequiredService<LeadStore>().LoadAsync(id))?.Lead;

    private static async Task<WebApplication> VendorAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        var graph = builder.Build();
        graph.Urls.Add("http://127.0.0.1:0");
        graph.MapGet("/{id}", (string id, HttpContext context) =>
        {
            var (status, body) = context.Request.Headers.Authorization == "Bearer graph-token" ? Graph(id) : ((int)HttpStatusCode.Unauthorized, "{}");
            return Results.Text(body, "application/json", statusCode: status);
        });
        await graph.StartAsync();
        return graph;
    }
}
