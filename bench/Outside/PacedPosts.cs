using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;

namespace LeadPipeline.Bench.Outside;

/// <summary>Posts leads at a steady pace, whether the ones before are done or not.</summary>
internal static class PacedPosts
{
    /// <summary>Of a sender whose facts are believed.</summary>
    public const string Token = "bench-0123456789";

    private static readonly HttpClient Http = new();

    /// <summary>Posts, and answers when each lead was sent, by its id.</summary>
    public static async Task<IReadOnlyDictionary<Guid, DateTimeOffset>> PostAsync(IReadOnlyList<Uri> addresses, IReadOnlyList<byte[]> leads, int perSecond)
    {
        var sent = new ConcurrentDictionary<Guid, DateTimeOffset>();
        var posts = new List<Task>(leads.Count);
        var watch = Stopwatch.StartNew();
        for (var n = 0; n < leads.Count; n++)
        {
            if (TimeSpan.FromSeconds((double)n / perSecond) - watch.Elapsed is { Ticks: > 0 } early)
                await Task.Delay(early);
            posts.Add(PostAsync(addresses[n % addresses.Count], leads[n], sent));
        }
        await Task.WhenAll(posts);
        return sent;
    }

    private static async Task PostAsync(Uri address, byte[] lead, ConcurrentDictionary<Guid, DateTimeOffset> sent)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(address, "leads")) { Content = new ByteArrayContent(lead) };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", Token);
        var at = DateTimeOffset.UtcNow;
        using var answer = await Http.SendAsync(request);
        if (answer.StatusCode != HttpStatusCode.Accepted)
            throw new InvalidOperationException($"A post was answered {(int)answer.StatusCode}.");
        sent[JsonElement.Parse(await answer.Content.ReadAsByteArrayAsync()).GetProperty("leadId").GetGuid()] = at;
    }
}
