using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json.Nodes;

namespace LeadPipeline.Integration.Tests;

/// <summary>The service as a process, reached over HTTP. Several may share a data folder when their state is on the servers.</summary>
internal sealed class RunningWorker : IAsyncDisposable
{
    private readonly string folder;

    private RunningWorker(string folder, WorkerProcess process, Uri address)
    {
        (this.folder, Process, Address) = (folder, process, address);
        Client = new HttpClient { BaseAddress = address, Timeout = TimeSpan.FromSeconds(30) };
    }

    public WorkerProcess Process { get; }

    public Uri Address { get; }

    /// <summary>Someone on the same machine, without a token.</summary>
    public HttpClient Client { get; }

    /// <summary>Whoever can read the data folder: the token there opens everything, and its leads' enrichment is believed.</summary>
    public HttpClient Admin
    {
        get
        {
            if (field is null)
            {
                field = new HttpClient { BaseAddress = Address, Timeout = TimeSpan.FromSeconds(30) };
                field.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", File.ReadAllText(Path.Combine(folder, "console-token")).Trim());
            }
            return field;
        }
    }

    /// <summary>Starts the service on a port of its own and waits until it is ready.</summary>
    public static async Task<RunningWorker> StartAsync(string folder, IReadOnlyDictionary<string, string>? settings = null)
    {
        var worker = Start(folder, settings);
        await worker.Process.UntilReadyAsync(worker.Address);
        return worker;
    }

    /// <summary>Starts the service on a port of its own.</summary>
    public static RunningWorker Start(string folder, IReadOnlyDictionary<string, string>? settings = null)
    {
        var address = new Uri($"http://127.0.0.1:{WorkerProcess.FreePort()}");
        var environment = new Dictionary<string, string>(settings ?? new Dictionary<string, string>()) { ["Http__Url"] = address.ToString(), ["Data__Directory"] = folder };
        return new RunningWorker(folder, WorkerProcess.Start(["run"], environment, folder), address);
    }

    public Task<HttpResponseMessage> PostAsync(string body, string contentType = "application/json", string? key = null, bool trusted = false)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, "/leads") { Content = new StringContent(body, Encoding.UTF8) };
        request.Content.Headers.ContentType = MediaTypeHeaderValue.Parse(contentType);
        if (key is not null)
            request.Headers.Add("Idempotency-Key", key);
        return (trusted ? Admin : Client).SendAsync(request);
    }

    public async Task<JsonObject> GetAsync(string path) => (await Admin.GetFromJsonAsync<JsonObject>(path))!;

    /// <summary>Everything known of a lead, once nothing is outstanding for it.</summary>
    public async Task<JsonObject> UntilDoneAsync(Guid lead)
    {
        JsonObject? found = null;
        await Eventually.ShouldAsync(async () =>
        {
            found = await GetAsync($"/leads/{lead}");
            return Terminal.Contains(found["status"]!.GetValue<string>());
        }, $"finish lead {lead}");
        return found!;
    }

    public ValueTask DisposeAsync()
    {
        Client.Dispose();
        return Process.DisposeAsync();
    }

    private static readonly HashSet<string> Terminal = ["Completed", "Rejected", "Blocked", "Compensated", "NeedsReview", "DeadLettered", "Cancelled", "Erased"];
}

internal static class AnswerExtensions
{
    public static async Task<JsonObject> JsonAsync(this HttpResponseMessage response) => (await response.Content.ReadFromJsonAsync<JsonObject>())!;
}
