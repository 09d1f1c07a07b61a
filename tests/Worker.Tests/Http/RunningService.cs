using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using LeadPipeline.TestKit;
using LeadPipeline.Worker.Hosting;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace LeadPipeline.Worker.Tests.Http;

/// <summary>The whole service in this process, embedded, on a port of its own, called over HTTP.</summary>
internal sealed class RunningService : IAsyncDisposable
{
    private readonly TempFolder folder;

    private RunningService(TempFolder folder, WebApplication app)
    {
        (this.folder, App) = (folder, app);
        Client = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false }) { BaseAddress = new Uri(app.Urls.First()), Timeout = Eventually.Patience };
    }

    public WebApplication App { get; }

    public HttpClient Client { get; }

    public string DataFolder => folder.Path;

    public IEnumerable<RouteEndpoint> Routes => App.Services.GetRequiredService<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>();

    public static async Task<RunningService> StartAsync(params (string Key, string? Value)[] settings)
    {
        var folder = new TempFolder();
        var all = settings.ToDictionary(s => s.Key, s => s.Value);
        all.TryAdd("Http:Url", "http://127.0.0.1:0");
        all["Data:Directory"] = folder.Path;
        all["Logging:Console:LogLevel:Default"] = "None";
        var app = WorkerApplication.Service(all, []);
        await app.StartAsync();
        return new RunningService(folder, app);
    }

    /// <summary>The settings of a static token that is its own name.</summary>
    public static IEnumerable<(string, string?)> Token(int index, string token, string role, string scopes = "") =>
    [
        ($"Auth:Tokens:{index}:Hash", Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(token)))),
        ($"Auth:Tokens:{index}:Name", token),
        ($"Auth:Tokens:{index}:Role", role),
        ($"Auth:Tokens:{index}:Scopes", scopes),
    ];

    /// <summary>Calls as somebody.</summary>
    /// <param name="method">HTTP method.</param>
    /// <param name="path">Path and query.</param>
    /// <param name="token">The bearer token, if any.</param>
    /// <param name="far">Whether the call comes through a proxy, and so not from this machine.</param>
    /// <param name="body">The body, if any.</param>
    /// <param name="type">Its media type.</param>
    /// <param name="headers">Others.</param>
    public async Task<Answer> CallAsync(string method, string path, string? token = null, bool far = false, string? body = null, string type = "application/json", params (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), path);
        if (token is not null)
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
        if (far)
            request.Headers.Add("X-Forwarded-For", "203.0.113.7");
        foreach (var (name, value) in headers)
            request.Headers.TryAddWithoutValidation(name, value);
        if (body is not null)
        {
            request.Content = new StringContent(body, Encoding.UTF8);
            request.Content.Headers.ContentType = MediaTypeHeaderValue.Parse(type);
        }
        using var response = await Client.SendAsync(request);
        var all = response.Headers.Concat(response.Content.Headers).ToDictionary(h => h.Key, h => string.Join(", ", h.Value), StringComparer.OrdinalIgnoreCase);
        return new Answer((int)response.StatusCode, response.Content.Headers.ContentType?.MediaType, await response.Content.ReadAsStringAsync(), all);
    }

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        await App.StopAsync();
        await App.DisposeAsync();
        Microsoft.Data.Sqlite.SqliteConnection.ClearAllPools();
        folder.Dispose();
    }
}

/// <summary>What came back.</summary>
internal sealed record Answer(int Status, string? ContentType, string Body, IReadOnlyDictionary<string, string> Headers)
{
    public JsonNode Json => JsonNode.Parse(Body)!;

    public string? Code => ContentType == "application/problem+json" ? Json["title"]!.GetValue<string>() : null;
}
