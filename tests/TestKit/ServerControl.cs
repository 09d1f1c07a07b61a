namespace LeadPipeline.TestKit;

/// <summary>
/// Breaks and mends the servers. They are shared by all that runs, so a fixture that uses this is
/// <c>[NonParallelizable]</c> and leaves them running, whatever happens: <see cref="StartAsync"/> in its tear-down.
/// </summary>
public static class ServerControl
{
    /// <summary>Starts the server, or wakes it, and returns when it answers. Does nothing when it does already.</summary>
    public static Task StartAsync(TestServer server) => ServerScript.RunAsync("start", NameOf(server));

    /// <summary>Shuts the server down in good order.</summary>
    public static Task StopAsync(TestServer server) => ServerScript.RunAsync("stop", NameOf(server));

    /// <summary>Shuts the server down in good order and starts it again.</summary>
    public static Task RestartAsync(TestServer server) => ServerScript.RunAsync("restart", NameOf(server));

    /// <summary>Ends the server as a power cut would: SIGKILL to all of its processes.</summary>
    public static Task KillAsync(TestServer server) => ServerScript.RunAsync("kill", NameOf(server));

    /// <summary>Freezes the server: its connections stay open and nothing answers.</summary>
    public static Task PauseAsync(TestServer server) => ServerScript.RunAsync("pause", NameOf(server));

    /// <summary>Lets a frozen server go on.</summary>
    public static Task ResumeAsync(TestServer server) => ServerScript.RunAsync("resume", NameOf(server));

    private static string NameOf(TestServer server) => server switch
    {
        TestServer.Database => "pg",
        TestServer.Broker => "mq",
        _ => throw new ArgumentOutOfRangeException(nameof(server), server, "Neither the database nor the broker."),
    };
}

/// <summary>The servers that the tests use.</summary>
public enum TestServer
{
    /// <summary>PostgreSQL.</summary>
    Database,

    /// <summary>RabbitMQ.</summary>
    Broker,
}
