using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using LeadPipeline.TestKit;

namespace LeadPipeline.Bench;

/// <summary>Message counts of a virtual host, from RabbitMQ's management API. They are up to a second old.</summary>
internal sealed class BrokerCounters : IDisposable
{
    public static readonly TimeSpan Age = TimeSpan.FromSeconds(2.5);

    private readonly HttpClient api;
    private readonly string virtualHost;

    public BrokerCounters(TestBroker broker)
    {
        var ui = new Uri(Environment.GetEnvironmentVariable(TestServers.BrokerUiVariable)!);
        api = new HttpClient { BaseAddress = new Uri(ui, "/api/") };
        api.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes(Uri.UnescapeDataString(broker.Uri.UserInfo))));
        virtualHost = broker.VirtualHost;
    }

    public async Task<Dictionary<string, double>> ReadAsync()
    {
        var counts = new Dictionary<string, double>();
        var host = await GetAsync($"vhosts/{virtualHost}");
        foreach (var name in (string[])["publish", "confirm", "deliver", "ack", "redeliver"])
            counts[name] = Stat(host, name);
        foreach (var exchange in (await GetAsync($"exchanges/{virtualHost}")).EnumerateArray())
        {
            if (Stat(exchange, "publish_in") is var published and > 0)
                counts["into " + (exchange.GetProperty("name").GetString() is { Length: > 0 } name ? name : "(default)")] = published;
        }
        return counts;
    }

    public void Dispose() => api.Dispose();

    private async Task<JsonElement> GetAsync(string path)
    {
        using var answer = await api.GetAsync(new Uri(path, UriKind.Relative));
        answer.EnsureSuccessStatusCode();
        return JsonElement.Parse(await answer.Content.ReadAsStringAsync());
    }

    private static double Stat(JsonElement of, string name) =>
        of.TryGetProperty("message_stats", out var stats) && stats.TryGetProperty(name, out var value) ? value.GetDouble() : 0;
}
