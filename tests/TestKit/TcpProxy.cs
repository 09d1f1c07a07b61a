using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace LeadPipeline.TestKit;

/// <summary>
/// A bad network between a worker and a server, on a loopback port: it cuts connections, holds back what is on its way, is slow, or loses the answers. What
/// passes is never changed.
/// </summary>
public sealed class TcpProxy : IAsyncDisposable
{
    private readonly TcpListener listener = new(IPAddress.Loopback, 0);
    private readonly IPEndPoint server;
    private readonly CancellationTokenSource stop = new();
    private readonly ConcurrentDictionary<Connection, byte> open = [];
    private readonly Task accepting;
    private volatile TaskCompletionSource? held;
    private volatile bool losing;
    private long delayTicks, connections;

    private TcpProxy(IPEndPoint server)
    {
        this.server = server;
        listener.Start();
        Port = ((IPEndPoint)listener.LocalEndpoint).Port;
        accepting = Task.Run(AcceptAsync);
    }

    /// <summary>Where it listens.</summary>
    public int Port { get; }

    /// <summary>Connections so far.</summary>
    public long Connections => Interlocked.Read(ref connections);

    /// <summary>How long everything takes on its way, in both directions. Default 0.</summary>
    public TimeSpan Delay
    {
        get => TimeSpan.FromTicks(Interlocked.Read(ref delayTicks));
        set => Interlocked.Exchange(ref delayTicks, value.Ticks);
    }

    /// <summary>Starts one before a server of this machine. The server need not be there yet.</summary>
    public static TcpProxy Start(int port) => new(new IPEndPoint(IPAddress.Loopback, port));

    /// <summary>Ends all connections at once, in the middle of whatever they carry. New ones go through.</summary>
    public void Cut()
    {
        foreach (var connection in open.Keys)
            connection.Dispose();
    }

    /// <summary>Holds back everything from now on, in both directions; connections stay open.</summary>
    public void Hold() => held ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Lets go what was held back.</summary>
    public void Release()
    {
        var was = held;
        held = null;
        was?.TrySetResult();
    }

    /// <summary>From now on what is sent arrives and no answer comes back, until <see cref="FindAnswers"/>.</summary>
    public void LoseAnswers() => losing = true;

    /// <summary>Answers come again, on new connections: the ones that have lost some are cut.</summary>
    public void FindAnswers()
    {
        Cut();
        losing = false;
    }

    /// <summary>All is well again.</summary>
    public void Heal()
    {
        Delay = TimeSpan.Zero;
        Release();
        if (losing)
            FindAnswers();
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await stop.CancelAsync();
        listener.Stop();
        Release();
        Cut();
        await accepting;
        listener.Dispose();
        stop.Dispose();
    }

    private async Task AcceptAsync()
    {
        while (!stop.IsCancellationRequested)
        {
            Socket client;
            try
            {
                client = await listener.AcceptSocketAsync(stop.Token);
            }
            catch (Exception exception) when (exception is OperationCanceledException or SocketException or ObjectDisposedException)
            {
                return;
            }
            _ = Interlocked.Increment(ref connections);
            _ = CarryAsync(client);
        }
    }

    private async Task CarryAsync(Socket client)
    {
        using var connection = new Connection(client, new Socket(SocketType.Stream, ProtocolType.Tcp));
        try
        {
            await connection.Server.ConnectAsync(server);
            client.NoDelay = connection.Server.NoDelay = true;
            open[connection] = 0;
            var there = PumpAsync(client, connection.Server, isAnswer: false);
            var back = PumpAsync(connection.Server, client, isAnswer: true);
            // Whichever side ends, ends both.
            await await Task.WhenAny(there, back);
        }
        catch (Exception exception) when (exception is SocketException or ObjectDisposedException or IOException)
        {
            // Cut, or the server is away: the client sees its connection end.
        }
        finally
        {
            _ = open.TryRemove(connection, out _);
        }
    }

    private async Task PumpAsync(Socket from, Socket to, bool isAnswer)
    {
        var buffer = new byte[64 * 1024];
        while (await from.ReceiveAsync(buffer) is > 0 and var count)
        {
            if (held is { } hold)
                await hold.Task;
            if (Delay is var delay && delay > TimeSpan.Zero)
                await Task.Delay(delay);
            if (isAnswer && losing)
                continue;
            for (var sent = 0; sent < count;)
                sent += await to.SendAsync(buffer.AsMemory(sent, count - sent));
        }
    }

    private sealed record Connection(Socket Client, Socket Server) : IDisposable
    {
        public void Dispose()
        {
            // A reset, not a good-bye: what was under way is gone.
            foreach (var socket in (Socket[])[Client, Server])
            {
                try
                {
                    socket.LingerState = new LingerOption(true, 0);
                }
                catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
                {
                    // Gone already.
                }
                socket.Dispose();
            }
        }
    }
}
