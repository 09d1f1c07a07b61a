using System.Net;
using System.Text.RegularExpressions;
using LeadPipeline.Worker.Tests.Http;

namespace LeadPipeline.Worker.Tests.OpsConsole;

/// <summary>Somebody with a browser that runs no scripts: keeps cookies, follows nothing, sends forms with what the page had in them.</summary>
internal sealed partial class ConsoleVisitor : IDisposable
{
    private readonly HttpClient client;
    private readonly CookieContainer cookies = new();

    public ConsoleVisitor(RunningService service)
    {
        client = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false, CookieContainer = cookies }) { BaseAddress = service.Client.BaseAddress };
        client.DefaultRequestHeaders.Add("Accept", "text/html");
    }

    public Cookie? Cookie => cookies.GetAllCookies().FirstOrDefault();

    public string? FormKey { get; set; }

    public async Task<ConsoleVisitor> SignInAsync(string token)
    {
        await PostAsync("/ops/sign-in", ("token", token));
        await GetAsync("/ops");
        return this;
    }

    public async Task<Seen> GetAsync(string path)
    {
        using var response = await client.GetAsync(new Uri(path, UriKind.Relative));
        return await SeenAsync(response);
    }

    public async Task<Seen> PostAsync(string path, params (string Name, string Value)[] fields) => await PostAsync(path, origin: null, fields);

    public async Task<Seen> PostAsync(string path, string? origin, params (string Name, string Value)[] fields)
    {
        var all = fields.Select(f => KeyValuePair.Create(f.Name, f.Value)).ToList();
        if (FormKey is not null && fields.All(f => f.Name != "form_key"))
            all.Add(new("form_key", FormKey));
        using var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = new FormUrlEncodedContent(all) };
        if (origin is not null)
            request.Headers.Add("Origin", origin);
        using var response = await client.SendAsync(request);
        return await SeenAsync(response);
    }

    public void Dispose() => client.Dispose();

    private async Task<Seen> SeenAsync(HttpResponseMessage response)
    {
        var body = await response.Content.ReadAsStringAsync();
        if (FormKeyOf().Match(body) is { Success: true } match)
            FormKey = match.Groups[1].Value;
        return new Seen((int)response.StatusCode, response.Headers.Location?.ToString(), body, response.Headers.Concat(response.Content.Headers).ToDictionary(h => h.Key, h => string.Join(", ", h.Value)));
    }

    [GeneratedRegex("name=\"form_key\" value=\"([0-9a-f]+)\"")]
    private static partial Regex FormKeyOf();
}

/// <summary>What a visitor sees.</summary>
internal sealed record Seen(int Status, string? Location, string Body, IReadOnlyDictionary<string, string> Headers);
