using System.CommandLine;
using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using LeadPipeline.Worker.Intake;
using LeadPipeline.Worker.Messaging.RabbitMq;
using LeadPipeline.Worker.Ops;
using RabbitMQ.Client;
using Spectre.Console;

namespace LeadPipeline.Worker.Cli;

/// <summary><c>submit FILE --to ADDRESS</c>: puts leads on a running service's door or queue.</summary>
internal static class SubmitCommand
{
    public static Command Create()
    {
        var file = new Argument<string>("FILE") { Description = "Leads as .jsonl, .json or .csv; - for standard input" };
        var to = new Option<string>("--to") { Description = "http://host:port or amqp://user:password@host:port/vhost", Required = true };
        var token = new Option<string?>("--token") { Description = "Bearer token, where the door asks for one (or LEADPIPELINE_TOKEN)" };
        var json = CliOutput.JsonOption();
        var command = new Command("submit", "Posts the leads of a file to a running service.") { file, to, token, json };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            if (!Uri.TryCreate(parsed.GetValue(to), UriKind.Absolute, out var target))
                throw new UsageException("--to is not an address; use http://host:port or amqp://user:password@host:port/vhost");
            await using ILeadTarget door = target.Scheme switch
            {
                "http" or "https" => new HttpTarget(target, parsed.GetValue(token) ?? Environment.GetEnvironmentVariable("LEADPIPELINE_TOKEN")),
                "amqp" or "amqps" => await QueueTarget.OpenAsync(target, cancellationToken),
                _ => throw new UsageException($"--to: {target.Scheme} is not a way to submit; use http://, https:// or amqp://"),
            };
            return await new Submission(door, parsed.GetValue(json)).RunAsync(parsed.GetValue(file)!, cancellationToken);
        });
        return command;
    }
}

/// <summary>Where leads are put.</summary>
internal interface ILeadTarget : IAsyncDisposable
{
    /// <summary>Puts a batch there; answers the refused ones by their place in it.</summary>
    Task<IReadOnlyList<(int Index, string Why)>> PutAsync(IReadOnlyList<LeadLine> batch, CancellationToken cancellationToken);
}

/// <summary>Reads a file and puts it somewhere, batch by batch.</summary>
internal sealed class Submission(ILeadTarget target, bool json)
{
    private const int BatchSize = 100;
    private readonly List<(int Line, string Why)> refused = [];
    private int read, accepted;

    public async Task<int> RunAsync(string path, CancellationToken cancellationToken)
    {
        var (stream, name) = LeadFiles.Open(path);
        await using var _ = stream;
        var length = stream.CanSeek ? stream.Length : 0;
        await WithProgressAsync(async report =>
        {
            var batch = new List<LeadLine>(BatchSize);
            await foreach (var line in LeadFile.ReadAsync(stream, name, cancellationToken))
            {
                read++;
                if (line.Body is null)
                    refused.Add((line.Line, line.Error ?? "is not a lead"));
                else
                    batch.Add(line);
                if (batch.Count == BatchSize)
                    await FlushAsync(batch, cancellationToken);
                report(length > 0 ? (double)stream.Position / length : 0);
            }
            await FlushAsync(batch, cancellationToken);
            report(1);
        });
        Report();
        return refused.Count == 0 ? 0 : 1;
    }

    private async Task FlushAsync(List<LeadLine> batch, CancellationToken cancellationToken)
    {
        if (batch.Count == 0)
            return;
        var bad = await target.PutAsync(batch, cancellationToken);
        refused.AddRange(bad.Select(b => (batch[b.Index].Line, b.Why)));
        accepted += batch.Count - bad.Count;
        batch.Clear();
    }

    private async Task WithProgressAsync(Func<Action<double>, Task> work)
    {
        if (!CliOutput.IsWatched || json)
        {
            await work(_ => { });
            return;
        }
        await CliOutput.Error.Progress().AutoClear(true).StartAsync(async progress =>
        {
            var task = progress.AddTask("Submitting", maxValue: 1);
            await work(part =>
            {
                task.Value = part;
                task.Description = string.Create(CultureInfo.InvariantCulture, $"{accepted} accepted, {refused.Count} refused");
            });
        });
    }

    private void Report()
    {
        refused.Sort((a, b) => a.Line.CompareTo(b.Line));
        if (json)
        {
            CliOutput.WriteJson(new JsonObject
            {
                ["submitted"] = read,
                ["accepted"] = accepted,
                ["refused"] = new JsonArray([.. refused.Select(r => (JsonNode)new JsonObject { ["line"] = r.Line, ["why"] = r.Why })]),
            });
            return;
        }
        CliOutput.Say($"{read} lines read, {accepted} accepted, {refused.Count} refused.");
        foreach (var (line, why) in refused)
            CliOutput.Say($"  line {line}: {why}");
    }
}

/// <summary>A service's door.</summary>
internal sealed class HttpTarget(Uri address, string? token) : ILeadTarget
{
    private readonly HttpClient client = new() { Timeout = TimeSpan.FromSeconds(60) };
    private readonly Uri leads = new(address.AbsoluteUri.TrimEnd('/') + "/leads");

    public async Task<IReadOnlyList<(int Index, string Why)>> PutAsync(IReadOnlyList<LeadLine> batch, CancellationToken cancellationToken)
    {
        var body = new StringBuilder();
        foreach (var line in batch)
            body.Append(JsonSerializer.Serialize(line.Body)).Append('\n');
        for (var tries = 1; ; tries++)
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, leads) { Content = new StringContent(body.ToString(), Encoding.UTF8, "application/x-ndjson") };
            if (token is not null)
                request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
            HttpResponseMessage response;
            try
            {
                response = await client.SendAsync(request, cancellationToken);
            }
            catch (HttpRequestException exception)
            {
                throw new UsageException($"{address} does not answer: {exception.Message}");
            }
            using (response)
            {
                if (response.StatusCode is HttpStatusCode.ServiceUnavailable or HttpStatusCode.TooManyRequests && tries < 20)
                {
                    // Posting again is safe: equal leads are one lead.
                    await Task.Delay(response.Headers.RetryAfter?.Delta ?? TimeSpan.FromSeconds(2), cancellationToken);
                    continue;
                }
                return Read(await response.Content.ReadAsStringAsync(cancellationToken), response, batch.Count);
            }
        }
    }

    public ValueTask DisposeAsync()
    {
        client.Dispose();
        return ValueTask.CompletedTask;
    }

    private static IReadOnlyList<(int, string)> Read(string text, HttpResponseMessage response, int count)
    {
        JsonNode? answer = null;
        try
        {
            answer = JsonNode.Parse(text);
        }
        catch (JsonException)
        {
            // Not ours, then; the status has to do.
        }
        if (answer?["results"] is not JsonArray results)
            return [.. Enumerable.Range(0, count).Select(i => (i, $"{(int)response.StatusCode} {answer?["detail"]?.GetValue<string>() ?? response.ReasonPhrase}"))];
        return [.. results.Where(r => r?["errors"] is JsonArray).Select(r => (r!["index"]!.GetValue<int>(), string.Join("; ", r["errors"]!.AsArray().Select(e => $"{e!["field"]} {e["problem"]}: {e["remedy"]}"))))];
    }
}

/// <summary>A broker's intake queue; the leads go there as plain JSON, as another system would send them.</summary>
internal sealed class QueueTarget : ILeadTarget
{
    private readonly IConnection connection;
    private readonly IChannel channel;

    private QueueTarget(IConnection connection, IChannel channel) => (this.connection, this.channel) = (connection, channel);

    public static async Task<QueueTarget> OpenAsync(Uri address, CancellationToken cancellationToken)
    {
        var broker = BrokerAddress.Parse(address.OriginalString);
        try
        {
            var connection = await broker.Factory("leadpipeline submit").CreateConnectionAsync(cancellationToken);
            var channel = await connection.CreateChannelAsync(new CreateChannelOptions(publisherConfirmationsEnabled: true, publisherConfirmationTrackingEnabled: true), cancellationToken);
            return new QueueTarget(connection, channel);
        }
        catch (Exception exception) when (exception is RabbitMQ.Client.Exceptions.RabbitMQClientException or IOException)
        {
            throw new UsageException($"The broker at {broker} does not answer: {exception.Message}");
        }
    }

    public async Task<IReadOnlyList<(int Index, string Why)>> PutAsync(IReadOnlyList<LeadLine> batch, CancellationToken cancellationToken)
    {
        var refused = new List<(int, string)>();
        var sends = new List<Task>(batch.Count);
        for (var i = 0; i < batch.Count; i++)
        {
            // The service reads it again; reading it here only tells the user sooner, and by line.
            if (LeadReader.Read(batch[i].Body!.Value, new LeadOrigin("queue", Trusted: true), DateTimeOffset.UtcNow) is ReadLead.Refused bad)
            {
                refused.Add((i, string.Join("; ", bad.Errors.Select(e => e.ToString()))));
                continue;
            }
            var properties = new BasicProperties { ContentType = "application/json", DeliveryMode = DeliveryModes.Persistent };
            sends.Add(channel.BasicPublishAsync("", RabbitMqRegistration.IntakeQueue, mandatory: true, properties, JsonSerializer.SerializeToUtf8Bytes(batch[i].Body), cancellationToken).AsTask());
        }
        try
        {
            await Task.WhenAll(sends);
        }
        catch (RabbitMQ.Client.Exceptions.PublishException)
        {
            throw new UsageException($"The broker has no queue {RabbitMqRegistration.IntakeQueue}; start the service once.");
        }
        return refused;
    }

    public async ValueTask DisposeAsync()
    {
        await channel.DisposeAsync();
        await connection.DisposeAsync();
    }
}
