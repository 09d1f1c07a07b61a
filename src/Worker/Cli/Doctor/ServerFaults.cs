using System.Net.Sockets;
using Npgsql;
using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;

namespace LeadPipeline.Worker.Cli.Doctor;

/// <summary>What to do about a fault of PostgreSQL or RabbitMQ. Pure.</summary>
internal static class ServerFaults
{
    /// <summary>The remedy; null when the fault says nothing that a person could act upon.</summary>
    public static string? Remedy(Exception exception) => Chain(exception).Select(One).FirstOrDefault(r => r is not null);

    private static string? One(Exception exception) => exception switch
    {
        PostgresException { SqlState: "28P01" or "28000" } => "the user or the password in ConnectionStrings:Database is wrong, or pg_hba.conf does not let him in from here",
        PostgresException { SqlState: "3D000" } => "make the database (createdb NAME), or correct its name in ConnectionStrings:Database",
        PostgresException { SqlState: "42501" } => "the user of ConnectionStrings:Database lacks a right; make him the owner of the database, or run leadpipeline db migrate as one who is and grant him the tables",
        PostgresException { SqlState: "53300" } => "the server has no connection left: raise max_connections, or set Maximum Pool Size in ConnectionStrings:Database",
        AuthenticationFailureException => "the user or the password in ConnectionStrings:Broker is wrong",
        OperationInterruptedException { ShutdownReason.ReplyCode: Constants.AccessRefused } => "give the user this right, for example: rabbitmqctl set_permissions -p VHOST USER '^(lead-|amq\\.gen)' '^(lead-|amq\\.)' '^(lead-|amq\\.gen)'",
        OperationInterruptedException { ShutdownReason.ReplyCode: Constants.NotAllowed } => "make the virtual host and let the user in (rabbitmqctl add_vhost, set_permissions), or correct its name in ConnectionStrings:Broker",
        OperationInterruptedException { ShutdownReason.ReplyCode: Constants.PreconditionFailed } => "it is there with other properties; drain it, delete it, and let the worker make it",
        SocketException { SocketErrorCode: SocketError.HostNotFound or SocketError.TryAgain or SocketError.NoData } => "there is no such host: correct the name, or the DNS of this machine",
        SocketException { SocketErrorCode: SocketError.ConnectionRefused } => "nobody listens there: start the server, or correct host and port",
        SocketException => "the server cannot be reached from here: check address, routes and firewalls",
        _ => null,
    };

    private static IEnumerable<Exception> Chain(Exception? exception)
    {
        for (; exception is not null; exception = exception.InnerException)
        {
            yield return exception;
            if (exception is AggregateException several)
            {
                foreach (var inner in several.InnerExceptions.SelectMany(Chain))
                    yield return inner;
                yield break;
            }
        }
    }
}
