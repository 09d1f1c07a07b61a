using System.Text;
using System.Text.Json;
using LeadPipeline.Worker.Intake;

namespace LeadPipeline.Worker.Tests.Intake;

public class LeadFileTests
{
    private static async Task<List<LeadLine>> Read(byte[] bytes, string name)
    {
        using var stream = new SlowStream(bytes);
        return await LeadFile.ReadAsync(stream, name).ToListAsync();
    }

    private static Task<List<LeadLine>> Read(string text, string name) => Read(Encoding.UTF8.GetBytes(text), name);

    private static string Shown(IEnumerable<LeadLine> lines) =>
        string.Join(" ", lines.Select(l => l.Error is null ? $"{l.Line}:{l.Body!.Value.GetRawText()}" : $"{l.Line}!"));

    [TestCase("{\"a\":1}\n\n{\"a\":2}\r\nnonsense\n{\"a\":3}", "x.jsonl", "1:{\"a\":1} 3:{\"a\":2} 4! 5:{\"a\":3}")]
    [TestCase("\uFEFF{\"a\":1}\n{\"a\":2} trailing\n", "x.ndjson", "1:{\"a\":1} 2!")]
    [TestCase("[\n{\"a\":1},\n\n{\"a\":\n2}]\n", "x.json", "2:{\"a\":1} 4:{\"a\":\n2}")]
    [TestCase("[{\"a\":1},\n{\"a\":2},\n{\"a\" 3},\n{\"a\":4}]", "x.json", "1:{\"a\":1} 2:{\"a\":2} 3!")]
    [TestCase("[{\"a\":1},\n{\"a\":2}", "x.json", "1:{\"a\":1} 2:{\"a\":2} 2!")]
    [TestCase("\uFEFF {\"a\":1} ", "x.json", "1:{\"a\":1}")]
    [TestCase("[]", "x.json", "")]
    [TestCase("", "x.json", "")]
    [TestCase(" \n", "x.json", "")]
    [TestCase("", "x.jsonl", "")]
    [TestCase("", "x.csv", "")]
    [TestCase("", "-", "")]
    [TestCase("  [1]", "-", "1:1")]
    [TestCase("{\"a\":1}\n{\"a\":2}", "-", "1:{\"a\":1} 2:{\"a\":2}")]
    [TestCase("{\n\"a\":1}", "-", "1:{\n\"a\":1}")]
    [TestCase("email\na@b.de", "-", "2:{\"email\":\"a@b.de\"}")]
    public async Task Should_read_each_record_with_its_line(string text, string name, string expected)
    {
        var lines = await Read(text, name);

        Assert.That(Shown(lines), Is.EqualTo(expected));
    }

    [TestCase("email,company\na@b.de,Acme", "2:{\"email\":\"a@b.de\",\"company\":\"Acme\"}")]
    [TestCase("E-Mail;Vorname;Société\na@b.de;Anna;X, Y", "2:{\"email\":\"a@b.de\",\"firstName\":\"Anna\",\"company\":\"X, Y\"}")]
    [TestCase("Correo electrónico\tApellidos\na@b.de\tMuestra", "2:{\"email\":\"a@b.de\",\"lastName\":\"Muestra\"}")]
    [TestCase("メール,会社名\na@b.de,A", "2:{\"email\":\"a@b.de\",\"company\":\"A\"}")]
    [TestCase("email,message\na@b.de,\"one\ntwo \"\"2\"\"\"\nc@d.de,x", "2:{\"email\":\"a@b.de\",\"message\":\"one\\ntwo \\u00222\\u0022\"} 4:{\"email\":\"c@d.de\",\"message\":\"x\"}")]
    [TestCase("email,Budget,\na@b.de,5,z", "2:{\"email\":\"a@b.de\",\"customFields\":{\"Budget\":\"5\",\"column 3\":\"z\"}}")]
    [TestCase("email,Phone,Mobile\na@b.de,1,2", "2:{\"email\":\"a@b.de\",\"phone\":\"1\",\"customFields\":{\"Mobile\":\"2\"}}")]
    [TestCase("email,marketing.pageViews,enrichment.industry\na@b.de,12,SaaS", "2:{\"email\":\"a@b.de\",\"enrichment\":{\"industry\":\"SaaS\"},\"marketing\":{\"pageViews\":12}}")]
    [TestCase("email,company\r\na@b.de\r\n\r\n,,\r\nc@d.de,A,extra\r\ne@f.de,B,\r\n", "2:{\"email\":\"a@b.de\"} 5! 6:{\"email\":\"e@f.de\",\"company\":\"B\"}")]
    [TestCase("email,company\ra@b.de,A\rc@d.de,B", "2:{\"email\":\"a@b.de\",\"company\":\"A\"} 3:{\"email\":\"c@d.de\",\"company\":\"B\"}")]
    [TestCase("email,company\na@b.de,\"never closed\nc@d.de,B\ne@f.de,C\n", "2! 3:{\"email\":\"c@d.de\",\"company\":\"B\"} 4:{\"email\":\"e@f.de\",\"company\":\"C\"}")]
    [TestCase("email,company\na@b.de,5\" disk", "2:{\"email\":\"a@b.de\",\"company\":\"5\\u0022 disk\"}")]
    public async Task Should_read_spreadsheets_as_people_save_them(string text, string expected)
    {
        var lines = await Read(text, "x.csv");

        Assert.That(Shown(lines), Is.EqualTo(expected));
    }

    [TestCase("email|company\na@b.de|A, B; C", "2:{\"email\":\"a@b.de\",\"company\":\"A, B; C\"}")]
    [TestCase("sep=;\r\nemail;company\r\na@b.de;\"A;B\"", "3:{\"email\":\"a@b.de\",\"company\":\"A;B\"}")]
    [TestCase("email,rejected_because,company\na@b.de,\"email is missing: send it\",A", "2:{\"email\":\"a@b.de\",\"company\":\"A\"}")]
    [TestCase("Numer telefonu;Imię;Adres e-mail;Spółka\n1;Ewa;a@b.pl;S", "2:{\"phone\":\"1\",\"firstName\":\"Ewa\",\"email\":\"a@b.pl\",\"company\":\"S\"}")]
    [TestCase("Voornaam;Achternaam;E-mailadres;Bedrijf\nJan;Jansen;a@b.nl;B", "2:{\"firstName\":\"Jan\",\"lastName\":\"Jansen\",\"email\":\"a@b.nl\",\"company\":\"B\"}")]
    [TestCase("Nome;Sobrenome;Correio;E-mail\nAna;Silva;x;a@b.pt", "2:{\"firstName\":\"Ana\",\"lastName\":\"Silva\",\"email\":\"a@b.pt\",\"customFields\":{\"Correio\":\"x\"}}")]
    public async Task Should_guess_what_parts_the_fields_and_what_the_heads_mean(string text, string expected)
    {
        var lines = await Read(text, "x.csv");

        Assert.That(Shown(lines), Is.EqualTo(expected));
    }

    [Test]
    public async Task Should_part_the_fields_by_the_sign_that_all_lines_have_equally_often()
    {
        var lines = await Read("Name (first, last, title);E-Mail\nA;a@b.de\nB;c@d.de", "x.csv");

        Assert.That(lines.Select(l => l.Body!.Value.GetProperty("email").GetString()), Is.EqualTo(new[] { "a@b.de", "c@d.de" }));
    }

    [TestCase("2026-02-01", "2026-02-01")]
    [TestCase("1.2.2026", "2026-02-01")]
    [TestCase("01.02.2026 14:05", "2026-02-01T14:05:00Z")]
    [TestCase("2/1/2026|1/31/2026", "2026-02-01")]
    [TestCase("1/2/2026|31/1/2026", "2026-02-01")]
    [TestCase("2/1/2026 2:05 PM|12/31/2025 11:00 AM", "2026-02-01T14:05:00Z")]
    [TestCase("3/3/2026", "2026-03-03")]
    [TestCase("2026/2/1", "2026-02-01")]
    public async Task Should_read_days_as_the_whole_column_shows_them(string days, string expected)
    {
        // The line that decides stands at the end.
        var lines = await Read("email;Erstellt am\n" + string.Concat(days.Split('|').Select(d => $"a@b.de;{d}\n")), "x.csv");

        Assert.That(lines[0].Body!.Value.GetProperty("receivedAt").GetString(), Is.EqualTo(expected));
    }

    [TestCase("1/2/2026", 1, Description = "nothing tells")]
    [TestCase("1/2/2026|31/1/2026|1/31/2026", 1, Description = "the column holds both")]
    public async Task Should_say_that_days_are_ambiguous_and_keep_their_text(string days, int notices)
    {
        using var stream = new SlowStream(Encoding.UTF8.GetBytes("email;Erstellt am\n" + string.Concat(days.Split('|').Select(d => $"a@b.de;{d}\n"))));
        var layout = new LeadFileLayout();

        var lines = await LeadFile.ReadAsync(stream, "x.csv", layout).ToListAsync();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(Shown(lines.Take(1)), Is.EqualTo("2:{\"email\":\"a@b.de\",\"customFields\":{\"Erstellt am\":\"1/2/2026\"}}"));
            Assert.That(layout.Notices, Has.Count.EqualTo(notices).And.All.Contains("Erstellt am"));
        }
    }

    [Test]
    public async Task Should_refuse_a_day_that_does_not_exist_by_its_line()
    {
        var lines = await Read("email;created\na@b.de;31.02.2026\nc@d.de;28.02.2026", "x.csv");

        Assert.That(lines.Select(l => l.Error), Is.EqualTo(new[] { "has in column created a day or time that does not exist", null }));
    }

    [TestCase("utf-8", 0)]
    [TestCase("utf-16", 0)]
    [TestCase("latin1", 1)]
    public async Task Should_tell_when_letters_were_read_as_latin(string encoding, int notices)
    {
        var chosen = Encoding.GetEncoding(encoding);
        using var stream = new SlowStream([.. encoding == "latin1" ? [] : chosen.GetPreamble(), .. chosen.GetBytes("email;company\na@b.de;Müller\nc@d.de;Söhne")]);
        var layout = new LeadFileLayout();

        _ = await LeadFile.ReadAsync(stream, "x.csv", layout).ToListAsync();

        Assert.That(layout.Notices, Has.Count.EqualTo(notices));
    }

    [TestCase("latin1")]
    [TestCase("utf-8")]
    [TestCase("utf-16")]
    public async Task Should_find_out_the_encoding(string encoding)
    {
        var chosen = Encoding.GetEncoding(encoding);
        byte[] bytes = [.. encoding == "latin1" ? [] : chosen.GetPreamble(), .. chosen.GetBytes("Société;email\nMüller & Söhne – é;a@b.de".Replace('–', '-'))];

        var lines = await Read(bytes, "x.csv");

        Assert.That(lines.Single().Body!.Value.GetProperty("company").GetString(), Is.EqualTo("Müller & Söhne - é"));
    }

    [Test]
    public async Task Should_read_the_signs_of_windows()
    {
        byte[] bytes = [.. "email,company\na@b.de,10 "u8, 0x80, (byte)' ', 0x96, (byte)' ', 0x93, (byte)'x', 0x94];

        var lines = await Read(bytes, "x.csv");

        Assert.That(lines.Single().Body!.Value.GetProperty("company").GetString(), Is.EqualTo("10 € – “x”"));
    }

    [Test]
    public async Task Should_pass_over_a_line_that_is_longer_than_a_lead_can_be()
    {
        var lines = await Read("{\"a\":\"" + new string('x', 3_000_000) + "\"}\n{\"a\":1}\n", "x.jsonl");

        Assert.That(Shown(lines), Is.EqualTo("1! 2:{\"a\":1}"));
    }

    [Test]
    public async Task Should_say_in_words_what_is_wrong_with_a_line()
    {
        byte[] bytes = [.. "{\"a\":\n{\"a\":\""u8, 0xE9, .. "\"}\n"u8];

        var lines = await Read(bytes, "x.jsonl");

        using (Assert.EnterMultipleScope())
        {
            Assert.That(lines[0].Error, Does.StartWith("is not valid JSON").And.Not.Contain("LineNumber"));
            Assert.That(lines[1].Error, Does.Contain("UTF-8"));
        }
    }

    /// <summary>Gives few bytes at a time, so that every record is torn somewhere.</summary>
    private sealed class SlowStream(byte[] bytes) : MemoryStream(bytes)
    {
        private int Step => Length > 10_000 ? 5000 : 3;

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
            base.ReadAsync(buffer[..Math.Min(buffer.Length, Step)], cancellationToken);
    }
}
