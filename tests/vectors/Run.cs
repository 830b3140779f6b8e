// A line for each case in, of fields with tabs between them; "yes" or "no" for each out.

using System;

public static class Run
{
    public static void Main()
    {
        string line;
        while ((line = Console.ReadLine()) != null)
        {
            var fields = line.Split('\t');
            var isGenuine = Verify.IsGenuine(
                fields[5].Split(' '), fields[2], fields[3], fields[4],
                Convert.FromBase64String(fields[6]), long.Parse(fields[1]));
            Console.WriteLine(isGenuine ? "yes" : "no");
        }
    }
}
