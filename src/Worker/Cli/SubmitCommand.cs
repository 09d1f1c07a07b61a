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

/// <summary>Reads a file and puts it somewhere, batch by batch. Nothing grows with the file.</summary>
internal sealed class Submission(ILeadTarget target, bool json)
{
    private const int BatchSize = 100;
    private int read, accepted;

    public async Task<int> RunAsync(string path, CancellationToken cancellationToken)
    {
        var (stream, name) = LeadFiles.Open(path);
        await using var _ = stream;
        var layout = new LeadFileLayout();
        using var refusals = new RefusalLog(path, layout);
        var length = stream.CanSeek ? stream.Length : 0;
        await WithProgressAsync(async report =>
        {
            var batch = new List<LeadLine>(BatchSize);
            await foreach (var line in LeadFile.ReadAsync(stream, name, layout, cancellationToken))
            {
                read++;
                batch.Add(line);
                if (batch.Count < BatchSize)
                    continue;
                await FlushAsync(batch, refusals, cancellationToken);
                report(length > 0 ? (double)stream.Position / length : 0, string.Create(CultureInfo.InvariantCulture, $"{accepted} accepted, {refusals.Count} refused"));
            }
            await FlushAsync(batch, refusals, cancellationToken);
        });
        refusals.Complete();
        Report(refusals, layout);
        return refusals.Count == 0 ? 0 : 1;
    }

    /// <summary>Puts there what can be read, and notes what is refused, here or there, in the order of the file.</summary>
    private async Task FlushAsync(List<LeadLine> batch, RefusalLog refusals, CancellationToken cancellationToken)
    {
        var readable = batch.FindAll(l => l.Body is not null);
        var bad = readable.Count == 0 ? new Dictionary<object, string>() : (await target.PutAsync(readable, cancellationToken)).ToDictionary(b => (object)readable[b.Index], b => b.Why, ReferenceEqualityComparer.Instance);
        foreach (var line in batch)
        {
            var why = line.Body is null ? line.Error ?? "is not a lead" : bad.GetValueOrDefault(line);
            if (why is null)
                accepted++;
            else
                refusals.Add(line, why, new JsonObject { ["line"] = line.Line, ["why"] = why });
        }
        batch.Clear();
    }

    private async Task WithProgressAsync(Func<Action<double, string>, Task> work)
    {
        if (CliOutput.IsWatched && !json)
            await CliOutput.ProgressAsync("Submitting", work);
        else
            await work((_, _) => { });
    }

    private void Report(RefusalLog refusals, LeadFileLayout layout)
    {
        foreach (var notice in layout.Notices)
            Console.Error.WriteLine(notice);
        if (refusals.NotWritten is { } why)
            Console.Error.WriteLine($"The refused lines could not be written beside the file: {why}");
        if (!json)
        {
            CliOutput.Say($"{read} lines read, {accepted} accepted, {refusals.Count} refused.");
            LeadFiles.Say(refusals);
            return;
        }
        using var output = Console.OpenStandardOutput();
        using var writer = new Utf8JsonWriter(output, new JsonWriterOptions { Indented = true, Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping });
        writer.WriteStartObject();
        writer.WriteNumber("submitted", read);
        writer.WriteNumber("accepted", accepted);
        writer.WriteStartArray("refused");
        refusals.WriteEntries(writer);
        writer.WriteEndArray();
        writer.WriteEndObject();
        writer.Flush();
        output.WriteByte((byte)'\n');
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
            catch (TaskCanceledException) when (!cancellationToken.IsCancellationRequested)
            {
                throw new UsageException(string.Create(CultureInfo.InvariantCulture, $"{address} does not answer within {client.Timeout.TotalSeconds} s"));
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
