using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using RabbitMQ.Client;

namespace LeadPipeline.TestKit;

/// <summary>A RabbitMQ virtual host of one fixture's own.</summary>
public sealed class TestBroker : IAsyncDisposable
{
    // Probably Erlang's disk tables (dets), in which the Raft library notes its members: they are written out after three
    // seconds. Killed at once, 3 of 3 queues were lost; after four seconds, 0 of 3.
    private static readonly TimeSpan QueueNotesAreWritten = TimeSpan.FromSeconds(4);

    private readonly HttpClient _api;

    private TestBroker(Uri server, Uri ui, string virtualHost)
    {
        VirtualHost = virtualHost;
        Uri = new UriBuilder(server) { Path = "/" + virtualHost }.Uri;
        _api = new HttpClient { BaseAddress = new Uri(ui, "/api/"), Timeout = Eventually.Patience };
        var credentials = Convert.ToBase64String(Encoding.UTF8.GetBytes(System.Uri.UnescapeDataString(server.UserInfo)));
        _api.DefaultRequestHeaders.Authorization = new("Basic", credentials);
    }

    /// <summary>The virtual host's name.</summary>
    public string VirtualHost { get; }

    /// <summary>What a client and the worker need in order to connect: <c>amqp://user:password@host:port/vhost</c>.</summary>
    public Uri Uri { get; }

    /// <summary>A connection that does not mend itself, so that a test sees when it breaks.</summary>
    /// <remarks>The client does not wait for the broker to accept the virtual host; the first channel tells.</remarks>
    public Task<IConnection> ConnectAsync() =>
        new ConnectionFactory { Uri = Uri, AutomaticRecoveryEnabled = false }.CreateConnectionAsync();

    /// <summary>Makes a durable quorum queue.</summary>
    public async Task DeclareQueueAsync(string queue)
    {
        await using var connection = await ConnectAsync();
        await using var channel = await connection.CreateChannelAsync();
        await channel.QueueDeclareAsync(queue, durable: true, exclusive: false, autoDelete: false,
            new Dictionary<string, object?> { ["x-queue-type"] = "quorum" });
    }

    /// <summary>
    /// Waits until the queues made so far are sure to survive <see cref="ServerControl.KillAsync"/>. A quorum queue
    /// that is younger comes back without a leader and never answers again, or does not come back at all.
    /// </summary>
    /// <remarks>Measured on 3.10.8, and nothing in its interfaces tells the moment: hence a fixed time.</remarks>
    public static Task LetQueuesSettleAsync() => Task.Delay(QueueNotesAreWritten);

    /// <summary>
    /// Publishes a persistent message as a stranger would, and returns when the broker has confirmed it. Throws when
    /// no queue takes it.
    /// </summary>
    public async Task PublishAsync(string exchange, string routingKey, ReadOnlyMemory<byte> body, BasicProperties? properties = null)
    {
        await using var connection = await ConnectAsync();
        await using var channel = await connection.CreateChannelAsync(
            new CreateChannelOptions(publisherConfirmationsEnabled: true, publisherConfirmationTrackingEnabled: true));
        properties ??= new BasicProperties { ContentType = "application/json" };
        properties.Persistent = true;
        await channel.BasicPublishAsync(exchange, routingKey, mandatory: true, properties, body);
    }

    /// <summary>Publishes a text straight onto a queue, by way of the default exchange.</summary>
    public Task PublishAsync(string queue, string text, BasicProperties? properties = null) =>
        PublishAsync("", queue, Encoding.UTF8.GetBytes(text), properties);

    /// <summary>Takes the next message off a queue, or null when there is none ready.</summary>
    public async Task<ReceivedMessage?> GetAsync(string queue)
    {
        await using var connection = await ConnectAsync();
        await using var channel = await connection.CreateChannelAsync();
        var result = await channel.BasicGetAsync(queue, autoAck: false);
        if (result is null)
            return null;

        // The body is the client's buffer, on loan until the channel closes.
        var message = new ReceivedMessage(result.Body.ToArray(), result.BasicProperties, result.Redelivered);
        await channel.BasicAckAsync(result.DeliveryTag, multiple: false);
        return message;
    }

    /// <summary>How many messages a queue holds, ready or with a consumer. The broker's figure is up to a second old.</summary>
    public async Task<long> DepthAsync(string queue) => (await QueueAsync(queue))?.Messages ?? 0;

    /// <summary>One queue as the management API tells it, or null when there is none of that name.</summary>
    public async Task<QueueState?> QueueAsync(string queue)
    {
        using var response = await _api.GetAsync(Relative($"queues/{VirtualHost}/{System.Uri.EscapeDataString(queue)}"));
        if (response.StatusCode == HttpStatusCode.NotFound)
            return null;

        await EnsureSuccessAsync(response);
        return await response.Content.ReadFromJsonAsync<QueueState>();
    }

    /// <summary>All queues of the virtual host.</summary>
    public async Task<IReadOnlyList<QueueState>> QueuesAsync() =>
        await _api.GetFromJsonAsync<List<QueueState>>(Relative($"queues/{VirtualHost}")) ?? [];

    /// <summary>Sets a policy, such as a time to live or a maximum length, on all queues whose name matches.</summary>
    public Task SetPolicyAsync(string name, string pattern, IReadOnlyDictionary<string, object> definition) =>
        PutAsync($"policies/{VirtualHost}/{System.Uri.EscapeDataString(name)}", new Dictionary<string, object>
        {
            ["pattern"] = pattern,
            ["definition"] = definition,
            ["apply-to"] = "queues",
        });

    /// <summary>Makes a user with these rights on the virtual host, and answers the address for him.</summary>
    /// <param name="configure">Which names he may make, as a regular expression.</param>
    /// <param name="write">Which he may write to.</param>
    /// <param name="read">Which he may read.</param>
    public async Task<Uri> CreateUserAsync(string configure, string write, string read)
    {
        await PutAsync($"users/{VirtualHost}", new Dictionary<string, object> { ["password"] = VirtualHost, ["tags"] = "" });
        await PutAsync($"permissions/{VirtualHost}/{VirtualHost}", new Dictionary<string, object> { ["configure"] = configure, ["write"] = write, ["read"] = read });
        return new UriBuilder(Uri) { UserName = VirtualHost, Password = VirtualHost }.Uri;
    }

    /// <summary>Has the broker close every connection to the virtual host, and answers how many there were.</summary>
    public async Task<int> DropConnectionsAsync()
    {
        var connections = await _api.GetFromJsonAsync<JsonElement>(Relative($"vhosts/{VirtualHost}/connections"));
        foreach (var connection in connections.EnumerateArray())
        {
            var name = System.Uri.EscapeDataString(connection.GetProperty("name").GetString()!);
            using var response = await _api.DeleteAsync(Relative($"connections/{name}"));
        }

        return connections.GetArrayLength();
    }

    /// <inheritdoc />
    public async ValueTask DisposeAsync()
    {
        using (_api)
        {
            using var user = await _api.DeleteAsync(Relative($"users/{VirtualHost}"));
            using var response = await _api.DeleteAsync(Relative($"vhosts/{VirtualHost}"));
            if (response.StatusCode != HttpStatusCode.NotFound)
                await EnsureSuccessAsync(response);
        }
    }

    internal static async Task<TestBroker> CreateAsync(Uri server, Uri ui)
    {
        var broker = new TestBroker(server, ui, $"test-{Guid.NewGuid():N}");
        var user = server.UserInfo.Split(':')[0];
        await broker.PutAsync($"vhosts/{broker.VirtualHost}", new Dictionary<string, object>());
        await broker.PutAsync($"permissions/{broker.VirtualHost}/{user}",
            new Dictionary<string, object> { ["configure"] = ".*", ["write"] = ".*", ["read"] = ".*" });
        return broker;
    }

    private async Task PutAsync(string path, Dictionary<string, object> body)
    {
        using var response = await _api.PutAsJsonAsync(Relative(path), body);
        await EnsureSuccessAsync(response);
    }

    private static async Task EnsureSuccessAsync(HttpResponseMessage response)
    {
        if (!response.IsSuccessStatusCode)
        {
            throw new HttpRequestException(
                $"{response.RequestMessage?.Method} {response.RequestMessage?.RequestUri} was answered {(int)response.StatusCode}: " +
                await response.Content.ReadAsStringAsync());
        }
    }

    private static Uri Relative(string path) => new(path, UriKind.Relative);
}

/// <summary>A message taken off a queue.</summary>
public sealed record ReceivedMessage(byte[] Body, IReadOnlyBasicProperties Properties, bool Redelivered)
{
    /// <summary>The body as UTF-8.</summary>
    public string Text => Encoding.UTF8.GetString(Body);
}

/// <summary>A queue as the management API tells it.</summary>
public sealed record QueueState(
    [property: JsonPropertyName("name")] string Name,
    [property: JsonPropertyName("type")] string Type,
    [property: JsonPropertyName("messages")] long Messages,
    [property: JsonPropertyName("messages_ready")] long Ready,
    [property: JsonPropertyName("messages_unacknowledged")] long Unacknowledged,
    [property: JsonPropertyName("consumers")] int Consumers);
